import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Root } from '@groundswell/proto/statement.ts'
import {
  type AcceptDeps,
  acceptOffer,
  contentOf,
  reopenContent,
  reopenStatement,
} from '../../../agent/accept.ts'
import { AgentError, type AgentErrorCode } from '../../../agent/errors.ts'
import type { TrustState } from '../../../agent/trust/state.ts'
import { buildBundle } from '../../../hub/bundle/build.ts'
import type { SigningKey } from '../../../hub/bundle/sign.ts'
import { createMemoryTrust } from '../../support/memory-stores.ts'
import {
  agentIdentity,
  bundleOf,
  createCheckingCache,
  fetchFrom,
  signOffer,
} from '../../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../../support/signing-key.ts'

const now = Date.parse('2026-01-01T00:00:00Z')
const blank: TrustState = {
  root: new Uint8Array(),
  epoch: 1,
  sequence: 0,
  snapshotDigest: null,
  envelope: null,
}

let key: SigningKey
let root: Root

before(async () => {
  key = await makeSigningKey()
  root = rootOf('f', key)
})

function world() {
  const trust = createMemoryTrust(blank)
  const content = createCheckingCache()
  const deps: AcceptDeps = { identity: agentIdentity, root, trust, content, clock: () => now }
  return { trust, content, deps }
}

const failsWith = (work: Promise<unknown>, code: AgentErrorCode) =>
  assert.rejects(work, (error) => {
    assert.ok(error instanceof AgentError, String(error))
    assert.equal(error.code, code)
    return true
  })

describe('acceptOffer', () => {
  test('fetches what is lacking, and only that', async () => {
    const { deps, content } = world()
    const [one, two] = [bundleOf('shop', 'x', 'y'), bundleOf('shop', 'x', 'z')]
    const { session, asked } = fetchFrom(one, two)
    const first = await acceptOffer((await signOffer(key, 1, one)).envelope, blank, session, deps)
    assert.deepEqual(asked, [[one.manifest.digest], one.objects.map(({ digest }) => digest)])
    asked.length = 0
    const { envelope } = await signOffer(key, 2, two)
    const second = await acceptOffer(envelope, first.state, session, deps)
    assert.deepEqual(asked, [[two.manifest.digest], [two.objects[1]!.digest]])
    assert.deepEqual(
      contentOf(second.verified),
      new Set([two.manifest, ...two.objects].map(({ digest }) => digest)),
    )
    assert.equal(content.blobs.size, 5)
  })

  test('what came along is handed to the fetch, and only after the signature was checked', async () => {
    const { deps } = world()
    const bundle = bundleOf('shop', 'x')
    const blobs = new Map([bundle.manifest, ...bundle.objects].map((b) => [b.digest, b.bytes]))
    let looks = 0
    const pushed = async () => {
      looks += 1
      return blobs
    }
    const session: Parameters<typeof acceptOffer>[2] = {
      async fetch(wanted, onBlob, given) {
        for (const digest of wanted.keys()) await onBlob(digest, given!.get(digest)!)
      },
    }
    const stranger = await makeSigningKey()
    const foreign = (await signOffer(stranger, 1, bundle)).envelope
    await assert.rejects(acceptOffer(foreign, blank, session, deps, { pushed }), AgentError)
    assert.equal(looks, 0)
    const { envelope } = await signOffer(key, 1, bundle)
    const { state } = await acceptOffer(envelope, blank, session, deps, { pushed })
    assert.deepEqual([looks, state.sequence], [1, 1])
  })

  test('I3 what was accepted is saved before it may be applied', async () => {
    const { deps, trust } = world()
    const bundle = bundleOf('shop', 'x')
    const { session } = fetchFrom(bundle)
    const { envelope, digest } = await signOffer(key, 7, bundle)
    const { state, verified } = await acceptOffer(envelope, blank, session, deps)
    assert.equal(trust.saves, 1)
    assert.deepEqual(await trust.load(), state)
    assert.deepEqual([state.sequence, state.snapshotDigest, state.envelope], [7, digest, envelope])
    assert.equal(verified.digest, digest)
  })

  test('I3 nothing is accepted that cannot be saved', async () => {
    const { deps } = world()
    const bundle = bundleOf('shop', 'x')
    const full = {
      load: async () => blank,
      save: async () => Promise.reject(new AgentError('trust_state_unwritable', 'disk full')),
    }
    const { envelope } = await signOffer(key, 1, bundle)
    const { session } = fetchFrom(bundle)
    const going = acceptOffer(envelope, blank, session, { ...deps, trust: full })
    await failsWith(going, 'trust_state_unwritable')
  })

  test('any refusal leaves the trust state as it was', async () => {
    const good = bundleOf('shop', 'x')
    const other = bundleOf('bank', 'x')
    const stranger = await makeSigningKey()
    const sealed = async (change: object) => (await signOffer(key, 5, good, change)).envelope
    const [manifest] = [good.manifest]
    const sized = (size: number, digest = manifest.digest) => [
      {
        name: 'shop',
        generation: 1,
        state: 'present' as const,
        manifest: { digest, size },
        revision: '',
      },
    ]
    const before: TrustState = { ...blank, sequence: 4, snapshotDigest: manifest.digest }
    const refusals: [AgentErrorCode, Uint8Array, ReturnType<typeof fetchFrom>][] = [
      ['envelope_malformed', Buffer.from('nonsense'), fetchFrom(good)],
      ['signature_invalid', (await signOffer(stranger, 5, good)).envelope, fetchFrom(good)],
      ['wrong_audience', await sealed({ aud: 'id-b' }), fetchFrom(good)],
      ['wrong_cluster', await sealed({ clusterUid: 'uid-b' }), fetchFrom(good)],
      ['expired', await sealed({ expiresAt: now / 1000 - 1, issuedAt: 1 }), fetchFrom(good)],
      ['rollback', await sealed({ sequence: 3 }), fetchFrom(good)],
      ['equivocation', await sealed({ sequence: 4 }), fetchFrom(good)],
      ['content_missing', await sealed({}), fetchFrom()],
      ['content_missing', await sealed({}), fetchFrom({ ...good, objects: [] })],
      ['size_mismatch', await sealed({ applications: sized(1) }), fetchFrom(good)],
      [
        'manifest_malformed',
        await sealed({
          applications: sized(other.manifest.bytes.byteLength, other.manifest.digest),
        }),
        fetchFrom(other),
      ],
    ]
    for (const [code, envelope, { session }] of refusals) {
      const { deps, trust } = world()
      const state = Object.freeze({ ...before })
      // Which of the two codes a foreign key gets is for the signature's own test to say.
      const going = acceptOffer(envelope, state, session, deps)
      if (code === 'signature_invalid') await assert.rejects(going, AgentError)
      else await failsWith(going, code)
      assert.equal(trust.saves, 0, code)
      assert.deepEqual(state, before)
    }
  })

  test('F27: a manifest that was damaged on disk is had anew', async () => {
    const { deps, content } = world()
    const bundle = bundleOf('shop', 'x')
    const { session, asked } = fetchFrom(bundle)
    content.blobs.set(bundle.manifest.digest, Buffer.from('rotten'))
    const { envelope } = await signOffer(key, 1, bundle)
    await acceptOffer(envelope, blank, session, deps)
    assert.ok(asked.flat().includes(bundle.manifest.digest))
  })

  test('F27: objects that may be damaged are read first, and those that are, had anew', async () => {
    const { deps, content } = world()
    const bundle = bundleOf('shop', 'x', 'y', 'z')
    const [x, y, z] = bundle.objects.map(({ digest }) => digest) as [Digest, Digest, Digest]
    for (const { digest, bytes } of bundle.objects) content.blobs.set(digest, bytes)
    for (const digest of [x, z]) content.blobs.set(digest, Buffer.from('rotten'))
    const { envelope } = await signOffer(key, 1, bundle)
    const { session, asked } = fetchFrom(bundle)
    await acceptOffer(envelope, blank, session, { ...deps, unread: true })
    assert.deepEqual(asked.at(-1)!.toSorted(), [x, z].toSorted())
    for (const digest of [x, y, z]) assert.ok(await content.read(digest))
  })

  test('tombstones need no content', async () => {
    const { deps } = world()
    const removed = {
      name: 'shop',
      generation: 2,
      state: 'removed',
      deletionPolicy: 'Orphan',
    } as const
    const change = { applications: [removed] }
    const { envelope } = await signOffer(key, 1, bundleOf('shop'), change)
    const { session } = fetchFrom()
    const { verified } = await acceptOffer(envelope, blank, session, deps)
    assert.deepEqual(
      verified.applications.map(({ state }) => state),
      ['removed'],
    )
    assert.equal(contentOf(verified).size, 0)
  })
})

async function reopenAccepted(state: TrustState, deps: AcceptDeps) {
  const checked = await reopenStatement(state, deps)
  return checked && reopenContent(checked, deps.content)
}

describe('what was accepted, opened again', () => {
  async function accepted() {
    const made = world()
    const bundle = bundleOf('shop', 'x', 'y')
    const { envelope } = await signOffer(key, 3, bundle)
    const { state, verified } = await acceptOffer(
      envelope,
      blank,
      fetchFrom(bundle).session,
      made.deps,
    )
    return { ...made, bundle, state, verified }
  }

  test('gives back what was accepted, with nobody to ask, expired or not', async () => {
    const { deps, state, verified } = await accepted()
    const later = { ...deps, clock: () => now + 10 * 365 * 24 * 3600 * 1000 }
    const reopened = await reopenAccepted(state, later)
    assert.deepEqual(reopened?.snapshot, verified.snapshot)
    assert.equal(reopened.digest, verified.digest)
    assert.equal(await reopenAccepted(blank, deps), null)
  })

  test('checks every byte again, of the manifest, of each object and of the envelope', async () => {
    const { bundle } = await accepted()
    for (const at of [0, 1, 2]) {
      for (const damage of ['change', 'lose'] as const) {
        const { deps, content, state } = await accepted()
        const { digest, bytes } = [bundle.manifest, ...bundle.objects][at]!
        const changed = Uint8Array.from(bytes)
        changed[changed.length - 1]! ^= 1
        if (damage === 'change') content.blobs.set(digest, changed)
        else content.blobs.delete(digest)
        await assert.rejects(reopenAccepted(state, deps), AgentError, `${damage} ${at}`)
      }
    }
    const { deps, state } = await accepted()
    const envelope = Uint8Array.from(state.envelope!)
    envelope[20]! ^= 1
    await assert.rejects(reopenAccepted({ ...state, envelope }, deps), AgentError)
    await failsWith(reopenAccepted({ ...state, sequence: 2 }, deps), 'trust_state_corrupt')
    const other = { ...state, snapshotDigest: digestOf('other') }
    await failsWith(reopenAccepted(other, deps), 'equivocation')
  })

  test('what runs is reopened though a signer has said that the sequence went on', async () => {
    const { deps, state, verified } = await accepted()
    const settled = { ...state, sequence: 4, snapshotDigest: digestOf('4') }
    assert.equal((await reopenAccepted(settled, deps))?.digest, verified.digest)
  })

  test('an application that is allowed to be empty reopens too', async () => {
    const { deps } = world()
    const empty = buildBundle([], {
      application: 'shop',
      targetNamespace: '',
      prune: true,
      allowEmpty: true,
      drift: 'ignore',
      deletionPolicy: 'Delete',
    })
    const { envelope } = await signOffer(key, 1, empty)
    const { state } = await acceptOffer(envelope, blank, fetchFrom(empty).session, deps)
    assert.equal((await reopenAccepted(state, deps))?.applications.length, 1)
  })
})
