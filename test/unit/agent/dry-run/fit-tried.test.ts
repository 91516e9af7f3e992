import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { DryRunAnswerSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { fitTried } from '../../../../agent/dry-run/fit-tried.ts'
import type { Tried } from '../../../../agent/dry-run/try.ts'

const MiB = 1024 * 1024

function tried(name: string, detail: number): Tried {
  const text = '語'.repeat(detail)
  const fields = Array.from({ length: 20 }, (_, n) => ({
    ...{ path: `/data/${n}`, desired: text, live: text, manager: '' },
  }))
  return {
    ...{ object: `/ConfigMap/shop/${name}`, file: 'a.yaml', outcome: 'changed', code: '' },
    ...{ message: '', warnings: [text], fields: detail > 0 ? fields : [] },
  }
}

const encoded = (all: readonly Tried[]): number =>
  toBinary(
    DryRunAnswerSchema,
    create(DryRunAnswerSchema, {
      results: all.map(({ object, file, message, warnings, fields }) => ({
        ...{ object, file, message, warnings: [...warnings] },
        fields: fields.map(({ path, desired, live }) => ({ path, desired, live })),
      })),
    }),
  ).byteLength

describe('fitTried', () => {
  it('leaves what fits a message as it is', () => {
    const all = [tried('a', 10), tried('b', 100)]
    assert.deepEqual(fitTried(all), all)
  })

  it('tells the verdict of each of five hundred objects, and details as far as there is room', () => {
    const all = Array.from({ length: 500 }, (_, n) => tried(`${n}`, n === 499 ? 1 : 1_000))
    assert.ok(encoded(all) > 4 * MiB)
    const told = fitTried(all)
    assert.ok(encoded(told) <= 3 * MiB, `${encoded(told)}`)
    assert.deepEqual(
      told.map(({ object, outcome }) => [object, outcome]),
      all.map(({ object, outcome }) => [object, outcome]),
    )
    assert.deepEqual(told[0], all[0])
    assert.deepEqual(told[400]!.fields, [])
    assert.match(told[400]!.message, /ask for fewer objects/)
    // A small one is not left out for the large ones before it.
    assert.deepEqual(told[499], all[499])
  })
})
