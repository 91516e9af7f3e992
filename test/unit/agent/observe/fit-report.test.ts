import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { ReportSchema } from '@groundswell/proto/gen/groundswell/v1/report_pb.ts'
import fc from 'fast-check'
import { fitReport } from '../../../../agent/observe/fit-report.ts'
import { toApplicationReport } from '../../../../agent/observe/report.ts'
import type { ApplicationState } from '../../../../agent/observe/status.ts'
import { upset } from '../../../support/upset-application.ts'
import { applicationState } from '../agent-world.ts'

const MiB = 1024 * 1024

const encoded = (states: readonly ApplicationState[]): number =>
  toBinary(ReportSchema, create(ReportSchema, { applications: states.map(toApplicationReport) }))
    .byteLength

describe('a report of more than a hub takes in one message', () => {
  it('would be one, of two applications whose every field was changed', () => {
    assert.ok(encoded([upset('one'), upset('two')]) > 4 * MiB)
  })

  it('names every application and keeps all counts, and is cut where there is most', () => {
    const calm = applicationState('calm')
    const unwell = applicationState('unwell', {
      unhealthy: [{ object: 'apps/Deployment/x/y', health: 'Failed', message: 'no image' }],
    })
    const told = fitReport([calm, upset('one'), unwell, upset('two'), upset('three')])
    assert.deepEqual(
      told.map(({ application, driftedObjects, phase }) => [application, driftedObjects, phase]),
      [
        ['calm', 0, 'Applied'],
        ['one', 900, 'Failed'],
        ['unwell', 0, 'Applied'],
        ['two', 900, 'Failed'],
        ['three', 900, 'Failed'],
      ],
    )
    // Those that say little say all of it.
    assert.equal(told[0], calm)
    assert.equal(told[2], unwell)
    for (const state of [told[1]!, told[3]!, told[4]!]) {
      assert.equal(state.errors.length, 50)
      assert.equal(state.unhealthy.length, 50)
      assert.equal(state.drift.length, 50)
      assert.ok(state.drift[0]!.fields.length === 20 && state.drift[49]!.fields.length < 20)
    }
    assert.ok(encoded(told) <= 2 * MiB, `${encoded(told)}`)
    assert.ok(encoded(told) > 1.8 * MiB, 'it uses what there is')
  })

  it('of letters that take three bytes each is counted in bytes', () => {
    assert.ok(encoded(fitReport([upset('one', '語'), upset('two', '語')])) <= 2 * MiB)
  })

  it('of a thousand applications in trouble fits, and says of each that it is', () => {
    const state = upset('app')
    const told = fitReport(
      Array.from({ length: 1_000 }, (_, n) => ({ ...state, application: `app-${n}` })),
    )
    assert.equal(told.length, 1_000)
    assert.ok(told.every(({ phase, errors }) => phase === 'Failed' && errors.length >= 1))
    assert.ok(encoded(told) <= 2 * MiB)
  })

  it('whatever there is to tell, it fits as soon as the names alone do, and what fits is left alone', () => {
    const text = fc.string({ maxLength: 60, unit: 'grapheme' })
    const object = fc.record({
      ...{ object: text, file: text, code: text, message: text },
      ...{ health: fc.constantFrom('Failed' as const, 'InProgress' as const) },
    })
    const field = fc.record({
      ...{ path: text, desired: text, live: text, manager: text },
      changedAt: fc.nat(),
    })
    const drift = fc.record({
      ...{ object: text, missing: fc.boolean(), firstSeen: fc.nat(), contestedBy: text },
      fields: fc.array(field, { maxLength: 4 }),
    })
    const state = fc
      .record({
        ...{ waiting: text, generation: fc.nat() },
        errors: fc.array(object, { maxLength: 6 }),
        unhealthy: fc.array(object, { maxLength: 6 }),
        drift: fc.array(drift, { maxLength: 6 }),
        gate: fc.record({
          health: fc.constant('Failed' as const),
          objects: fc.array(object, { maxLength: 6 }),
        }),
      })
      .map((rest) => applicationState('app', rest))
    fc.assert(
      fc.property(fc.array(state, { maxLength: 8 }), fc.nat(30_000), (states, spare) => {
        const heads = fitReport(states, 0)
        const limit = 600 * states.length + spare
        const told = fitReport(states, limit)
        assert.ok(encoded(heads) <= encoded(told))
        assert.ok(encoded(told) <= limit, `${encoded(told)} of ${limit}`)
        assert.equal(told.length, states.length)
        for (const [at, { errors, drift }] of told.entries()) {
          assert.deepEqual(errors, states[at]!.errors.slice(0, errors.length))
          assert.deepEqual(
            drift.map(({ object }) => object),
            states[at]!.drift.slice(0, drift.length).map(({ object }) => object),
          )
        }
      }),
    )
  })
})
