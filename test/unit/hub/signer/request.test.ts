import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import fc from 'fast-check'
import { HubError } from '../../../../hub/errors.ts'
import { parseAttestation } from '../../../../hub/signer/attestation.ts'
import { parseFreshnessRequest, parseSignRequest } from '../../../../hub/signer/request.ts'

const digest = digestOf('x')
const at = { epoch: 1, sequence: 7, digest }
const sign = {
  cluster: 'a',
  clusterId: '0b1c-22',
  clusterUid: 'uid-a',
  applications: [
    { name: 'gone', generation: 3, state: 'removed', deletionPolicy: 'Orphan' },
    { name: 'moved', generation: 3, state: 'removed', deletionPolicy: 'Delete', leave: ['*'] },
    {
      name: 'shop',
      generation: 4,
      state: 'present',
      manifest: { digest, size: 100 },
      revision: 'main@sha1:1',
      leave: ['/ConfigMap/shop/a', 'apps/Deployment/shop/web'],
      undo: true,
    },
  ],
  floor: at,
}
const freshness = { clusterId: 'id', nonce: 'n'.repeat(43), at, auditHead: { index: 1, digest } }
const attestation = {
  fleetRevision: 'main@sha1:1',
  clusters: ['a'],
  names: ['shop'],
  groups: { edge: ['a'] },
  applications: [
    {
      name: 'shop',
      keep: [],
      contents: [
        {
          digest,
          repository: 'fleet',
          url: 'https://git.example/f.git',
          revision: 'r',
          kinds: ['ConfigMap'],
          clusters: ['a'],
        },
      ],
    },
  ],
}
const copy = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** Every place in a value, as the way to it. */
function listPaths(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [
    path,
    ...Object.keys(value).flatMap((key) => listPaths(value[key as never], [...path, key])),
  ]
}

function put(value: unknown, path: (string | number)[], to: unknown): unknown {
  const whole = { value: copy(value) }
  let place: Record<string, unknown> = whole
  for (const key of ['value', ...path].slice(0, -1)) place = place[key] as Record<string, unknown>
  place[String(['value', ...path].at(-1))] = to
  return whole.value
}

describe('what a front end may say to the signer', () => {
  const kinds = [
    ['sign', sign, parseSignRequest],
    ['freshness', freshness, parseFreshnessRequest],
    ['attest', attestation, parseAttestation],
  ] as const

  test('passes as it is', () => {
    for (const [, value, parse] of kinds) assert.deepEqual(parse(copy(value)), value)
    const without = { ...freshness, auditHead: null }
    assert.deepEqual(parseFreshnessRequest(without), without)
  })

  test('T16: is refused with anything else in any place, by a code and nothing but a code', () => {
    const junk = fc.oneof(
      fc.constantFrom(
        undefined,
        true,
        -1,
        0.5,
        2 ** 60,
        Number.NaN,
        '',
        'A\n',
        '../x',
        '__proto__',
      ),
      fc.jsonValue({ maxDepth: 2 }),
    )
    for (const [name, value, parse] of kinds) {
      const paths = listPaths(value)
      fc.assert(
        fc.property(fc.constantFrom(...paths), junk, (path, other) => {
          try {
            // What passes all the same is as strict as before: it says what it was given.
            const given = put(value, path, other)
            assert.deepEqual(parse(given), given)
          } catch (error) {
            if (!(error instanceof HubError)) throw error
            assert.equal(error.code, 'invalid', name)
          }
        }),
        { numRuns: 2_000 },
      )
    }
  })

  test('has no member more, none less, and applications once each, sorted', () => {
    for (const [, value, parse] of kinds) {
      assert.throws(() => parse({ ...value, more: 1 }), { code: 'invalid' })
      for (const key of Object.keys(value)) {
        const less = Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
        assert.throws(() => parse(less), { code: 'invalid' }, key)
      }
    }
    const [one, two] = sign.applications
    for (const applications of [
      [two, one],
      [one, one],
    ]) {
      assert.throws(() => parseSignRequest({ ...sign, applications }), { code: 'invalid' })
    }
  })
})
