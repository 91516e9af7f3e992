import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { exportJWK, generateKeyPair } from 'jose'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { PublicKey, Root, Snapshot } from '@groundswell/proto/statement.ts'
import {
  type Accepted,
  acceptSnapshot,
  verifyManifest,
  verifyRoot,
  verifySnapshot,
} from '../../../../agent/trust/verify.ts'
import { signFirstRoot } from '../../../../hub/bundle/root.ts'
import { type SigningKey, signStatement } from '../../../../hub/bundle/sign.ts'
import { createMemoryCache } from '../../../support/memory-stores.ts'

const now = 1_800_000_000_000
const identity = { fleet: 'test', cluster: 'one', clusterId: 'id-1', clusterUid: 'uid-1' }
const nothing: Accepted = { epoch: 1, sequence: 0, snapshotDigest: null }

async function makeKey(): Promise<SigningKey> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { x } = await exportJWK(pair.publicKey)
  return { privateKey: pair.privateKey, publicKey: { kty: 'OKP', crv: 'Ed25519', x: x! } }
}

describe('verifySnapshot', () => {
  let snapshotKey: SigningKey
  let stranger: SigningKey
  let root: Root
  let rootEnvelope: Uint8Array

  before(async () => {
    ;[snapshotKey, stranger] = [await makeKey(), await makeKey()]
    const signed = await signFirstRoot(
      'test',
      { root: await makeKey(), snapshot: snapshotKey, freshness: await makeKey() },
      now,
    )
    root = signed.root
    rootEnvelope = signed.envelope
  })

  function statement(change: Partial<Snapshot> | Record<string, unknown> = {}): object {
    return {
      v: 1,
      fleet: 'test',
      aud: 'id-1',
      clusterUid: 'uid-1',
      epoch: 1,
      sequence: 1,
      previous: null,
      issuedAt: now / 1000,
      expiresAt: now / 1000 + 3600,
      applications: [],
      ...change,
    }
  }

  const seal = async (change = {}, key = snapshotKey): Promise<Uint8Array> =>
    (await signStatement('snapshot', statement(change), [key])).envelope
  const verify = (envelope: Uint8Array, accepted = nothing, by = root) =>
    verifySnapshot(envelope, by, identity, accepted, now)

  it('accepts what the trusted key signed for this cluster', async () => {
    const { snapshot, repeated } = await verify(await seal())
    assert.equal(snapshot.sequence, 1)
    assert.equal(repeated, false)
  })

  it('opens a root statement that vouches for itself', async () => {
    assert.deepEqual(await verifyRoot(rootEnvelope), root)
  })

  const refusals: readonly [string, string, object][] = [
    ['T11 another cluster', 'wrong_audience', { aud: 'id-2' }],
    ['T11 another cluster UID', 'wrong_cluster', { clusterUid: 'uid-2' }],
    ['another fleet', 'wrong_fleet', { fleet: 'other' }],
    ['another epoch', 'wrong_epoch', { epoch: 2 }],
    ['one that expired', 'expired', { expiresAt: now / 1000 - 1 }],
    ['T4 a sequence out of reach', 'fast_forward', { sequence: 2 ** 30 }],
    ['B53 a sequence as text', 'statement_malformed', { sequence: '1' }],
    ['B53 sequence zero', 'statement_malformed', { sequence: 0 }],
    ['B53 an expiry as text', 'statement_malformed', { expiresAt: 'soon' }],
    ['B53 an expiry that has no date', 'statement_malformed', { expiresAt: 2 ** 53 - 1 }],
    ['an unknown member', 'statement_malformed', { extra: true }],
    ['another version', 'statement_malformed', { v: 2 }],
    ['applications that are no list', 'statement_malformed', { applications: {} }],
    [
      'an application listed twice',
      'statement_malformed',
      {
        applications: [1, 2].map(() => ({
          name: 'a',
          generation: 1,
          state: 'removed',
          deletionPolicy: 'Delete',
        })),
      },
    ],
    [
      'an application of unknown state',
      'statement_malformed',
      { applications: [{ name: 'a', generation: 1, state: 'gone' }] },
    ],
  ]
  for (const [what, code, change] of refusals) {
    it(`refuses ${what}: ${code}`, async () => {
      await assert.rejects(verify(await seal(change)), { code })
    })
  }

  it('T2 refuses to go back, over restarts too', async () => {
    const accepted: Accepted = { epoch: 1, sequence: 5, snapshotDigest: digestOf('five') }
    await assert.rejects(verify(await seal({ sequence: 4 }), accepted), { code: 'rollback' })
  })

  it('T3 refuses another snapshot of the same sequence', async () => {
    const accepted: Accepted = { epoch: 1, sequence: 5, snapshotDigest: digestOf('five') }
    await assert.rejects(verify(await seal({ sequence: 5 }), accepted), { code: 'equivocation' })
  })

  it('takes the very same snapshot again as nothing new, even after it expired', async () => {
    const envelope = await seal({ expiresAt: now / 1000 - 10 })
    const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload: string }
    const digest = digestOf(Buffer.from(payload, 'base64url'))
    const { repeated } = await verify(envelope, { epoch: 1, sequence: 1, snapshotDigest: digest })
    assert.equal(repeated, true)
  })

  it('T1 refuses a stranger’s signature', async () => {
    await assert.rejects(verify(await seal({}, stranger)), { code: 'threshold_not_met' })
  })

  it('T1 refuses every changed byte', async () => {
    const envelope = await seal()
    await fc.assert(
      fc.asyncProperty(
        fc.nat(envelope.byteLength - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          const changed = Uint8Array.from(envelope)
          changed[at] = changed[at]! ^ mask
          await assert.rejects(verify(changed))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('T12 refuses a statement of another type by the same key', async () => {
    for (const type of ['root', 'freshness', 'approval'] as const) {
      const { envelope } = await signStatement(type, statement(), [snapshotKey])
      await assert.rejects(verify(envelope), { code: 'envelope_header' })
    }
  })

  it('T14 counts distinct keys, not signatures', async () => {
    const second = await makeKey()
    const keys: PublicKey[] = [snapshotKey.publicKey, second.publicKey]
    const strict: Root = { ...root, roles: { ...root.roles, snapshot: { keys, threshold: 2 } } }
    const one = await signStatement('snapshot', statement(), [snapshotKey, snapshotKey])
    await assert.rejects(verify(one.envelope, nothing, strict), { code: 'threshold_not_met' })
    const both = await signStatement('snapshot', statement(), [snapshotKey, second])
    assert.equal((await verify(both.envelope, nothing, strict)).snapshot.sequence, 1)
    const zero: Root = { ...root, roles: { ...root.roles, snapshot: { keys: [], threshold: 0 } } }
    await assert.rejects(verify(both.envelope, nothing, zero), { code: 'threshold_not_met' })
  })

  const forged: readonly [string, (header: Record<string, unknown>) => Record<string, unknown>][] =
    [
      ['B41 alg none', (header) => ({ ...header, alg: 'none' })],
      ['B42 alg HS256', (header) => ({ ...header, alg: 'HS256' })],
      ['B44 jwk', (header) => ({ ...header, jwk: { kty: 'OKP' } })],
      ['B44 jku', (header) => ({ ...header, jku: 'https://example.org' })],
      ['B45 crit', (header) => ({ ...header, crit: ['b64'] })],
      ['B46 b64 false', (header) => ({ ...header, b64: false })],
      ['B51 kid __proto__', (header) => ({ ...header, kid: '__proto__' })],
      ['no kid', (header) => ({ ...header, kid: undefined })],
    ]
  for (const [what, change] of forged) {
    it(`T13 refuses a header with ${what}`, async () => {
      const envelope = JSON.parse(Buffer.from(await seal()).toString()) as {
        payload: string
        signatures: { protected: string; signature: string }[]
      }
      const [signature] = envelope.signatures
      const header = JSON.parse(
        Buffer.from(signature!.protected, 'base64url').toString(),
      ) as Record<string, unknown>
      signature!.protected = Buffer.from(JSON.stringify(change(header))).toString('base64url')
      await assert.rejects(verify(Buffer.from(JSON.stringify(envelope))), {
        code: 'envelope_header',
      })
    })
  }

  const shapes: readonly [string, (envelope: Record<string, unknown>) => unknown][] = [
    ['B47 an unprotected header', (e) => ({ ...e, header: { kid: 'x' } })],
    ['B48 no signatures', (e) => ({ ...e, signatures: [] })],
    [
      'B48 seventeen signatures',
      (e) => ({ ...e, signatures: Array(17).fill((e['signatures'] as unknown[])[0]) }),
    ],
    ['B50 padding', (e) => ({ ...e, payload: `${String(e['payload'])}=` })],
    ['a list', () => []],
    ['null', () => null],
  ]
  for (const [what, change] of shapes) {
    it(`refuses an envelope with ${what}`, async () => {
      const envelope = JSON.parse(Buffer.from(await seal()).toString()) as Record<string, unknown>
      await assert.rejects(verify(Buffer.from(JSON.stringify(change(envelope)))), {
        code: 'envelope_malformed',
      })
    })
  }

  it('T8 refuses more than a mebibyte before parsing it', async () => {
    await assert.rejects(verify(new Uint8Array(1024 * 1024 + 1)), { code: 'envelope_too_large' })
  })
})

describe('verifyManifest and acceptSnapshot', () => {
  const manifest = {
    v: 1,
    application: 'shop',
    targetNamespace: '',
    prune: { enabled: true, allowEmpty: false },
    drift: 'correct',
    deletionPolicy: 'Delete',
    objects: [
      { id: '/ConfigMap/a/b', apiVersion: 'v1', digest: digestOf('x'), size: 1, file: 'a.yaml' },
    ],
  }
  const bytes = Buffer.from(JSON.stringify(manifest))
  const entry = (size = bytes.byteLength, digest = digestOf(bytes), name = 'shop') => ({
    name,
    generation: 1,
    state: 'present' as const,
    manifest: { digest, size },
    revision: 'main',
  })

  it('T6 refuses a manifest other than the one that was signed for', () => {
    assert.equal(verifyManifest(bytes, entry()).application, 'shop')
    assert.throws(() => verifyManifest(bytes, entry(3)), { code: 'size_mismatch' })
    assert.throws(() => verifyManifest(bytes, entry(bytes.byteLength, digestOf('y'))), {
      code: 'digest_mismatch',
    })
    assert.throws(() => verifyManifest(bytes, entry(undefined, undefined, 'other')), {
      code: 'manifest_malformed',
    })
  })

  it('T7 accepts all of a snapshot or nothing', async () => {
    const content = createMemoryCache()
    const checked = {
      snapshot: { applications: [entry()] } as never,
      digest: digestOf('s'),
      repeated: false,
    }
    const manifests = new Map([[digestOf(bytes), verifyManifest(bytes, entry())]])
    await assert.rejects(acceptSnapshot(checked, manifests, content), { code: 'content_missing' })
    await assert.rejects(acceptSnapshot(checked, new Map(), content), { code: 'content_missing' })
    await content.write(digestOf('x'), Buffer.from('x'))
    const accepted = await acceptSnapshot(checked, manifests, content)
    assert.equal(accepted.applications.length, 1)
  })

  it('I4: carries what is not to be deleted', async () => {
    const content = createMemoryCache()
    await content.write(digestOf('x'), Buffer.from('x'))
    const sparing = { leave: ['/ConfigMap/a/c'], undo: true as const }
    const gone = { name: 'gone', generation: 2, state: 'removed', deletionPolicy: 'Delete' }
    const listed = [entry(), { ...entry(), ...sparing }, gone, { ...gone, ...sparing }]
    const manifests = new Map([[digestOf(bytes), verifyManifest(bytes, entry())]])
    const snapshot = { applications: listed } as never
    const checked = { snapshot, digest: digestOf('s'), repeated: false }
    const { applications } = await acceptSnapshot(checked, manifests, content)
    assert.deepEqual(
      applications.map(({ leave, undo }) => ({ leave, undo })),
      [undefined, sparing, undefined, sparing].map(
        (given) => given ?? { leave: undefined, undo: undefined },
      ),
    )
  })
})
