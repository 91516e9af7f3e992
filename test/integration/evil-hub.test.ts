import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Root, Snapshot } from '@groundswell/proto/statement.ts'
import { acceptOffer } from '../../agent/accept.ts'
import { AgentError } from '../../agent/errors.ts'
import { verifyRootChain } from '../../agent/trust/root-chain.ts'
import type { TrustState } from '../../agent/trust/state.ts'
import { createWatch } from '../../agent/trust/watch.ts'
import type { Bundle } from '../../hub/bundle/build.ts'
import { draftRoot } from '../../hub/bundle/root-draft.ts'
import { thumbprintOf } from '@groundswell/proto/thumbprint.ts'
import { type SigningKey, signStatement } from '../../hub/bundle/sign.ts'
import { HubError } from '../../hub/errors.ts'
import type { Attestor, SignRequest, Signer } from '../../hub/signer/signer.ts'
import { createMemoryTrust } from '../support/memory-stores.ts'
import { createMemorySigner } from '../support/open-signer.ts'
import { agentIdentity, bundleOf, createCheckingCache } from '../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../support/signing-key.ts'

/*
 * A front end that was taken: it has the TLS key, Redis, the ledger and the way to the signer, and
 * no signing key. What it makes of that goes to the agent's own door, the only way to an apply.
 */

const now = 1_767_225_600_000
const tries = 1_200
const seed = 20_260_704

/** The same numbers each time: a find can be found again. */
function createRandom(from: number): (below: number) => number {
  let state = from
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    return state % below
  }
}

describe('an evil hub', () => {
  let key: SigningKey
  let stranger: SigningKey
  let root: Root
  let signer: Signer & Attestor
  const good = ['one', 'two', 'three'].map((text) => bundleOf('shop', text))
  const evil = [bundleOf('shop', 'evil'), bundleOf('shop'), bundleOf('other', 'foreign')]
  const blobs = new Map(
    [...good, ...evil].flatMap(({ manifest, objects }) =>
      [manifest, ...objects].map(({ digest, bytes }) => [digest, bytes] as const),
    ),
  )

  before(async () => {
    ;[key, stranger] = [await makeSigningKey(), await makeSigningKey()]
    root = rootOf('f', key)
    signer = await createMemorySigner({
      root,
      keys: [key],
      clock: () => now,
      policy: { history: 2 },
    })
    // Git said one, two and then three; other content was never rendered.
    for (const { manifest } of good) await attest(manifest.digest)
  })

  function attest(digest: Digest): Promise<void> {
    const content = {
      digest,
      repository: 'fleet',
      url: 'https://git.example/fleet.git',
      revision: 'main@sha1:1',
      kinds: ['ConfigMap'],
      clusters: ['a', 'b'],
    }
    return signer.attest({
      fleetRevision: 'main@sha1:1',
      clusters: ['a', 'b'],
      names: ['shop'],
      groups: {},
      applications: [{ name: 'shop', contents: [content], keep: [] }],
    })
  }

  function request(bundle: Bundle, change: Partial<SignRequest> = {}): SignRequest {
    const { digest, bytes } = bundle.manifest
    const manifest = { digest, size: bytes.byteLength }
    return {
      cluster: 'a',
      clusterId: 'id-a',
      clusterUid: 'uid-a',
      applications: [
        { name: 'shop', generation: 1, state: 'present', manifest, revision: 'main@sha1:1' },
      ],
      floor: { epoch: 1, sequence: 0, digest: null },
      ...change,
    }
  }

  const removal = (): SignRequest =>
    request(good[2]!, {
      applications: [{ name: 'shop', generation: 2, state: 'removed', deletionPolicy: 'Delete' }],
    })

  const payloadOf = (envelope: Uint8Array): Snapshot => {
    const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload: string }
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Snapshot
  }

  function createAgent() {
    let state: TrustState = {
      root: Buffer.from(''),
      epoch: 1,
      sequence: 0,
      snapshotDigest: null,
      envelope: null,
    }
    const trust = createMemoryTrust(state)
    const content = createCheckingCache()
    return {
      state: () => state,
      async offer(envelope: Uint8Array, serve = blobs, by = root) {
        const session: Parameters<typeof acceptOffer>[2] = {
          async fetch(wanted, onBlob) {
            for (const digest of wanted.keys()) {
              const bytes = serve.get(digest)
              if (!bytes) throw new AgentError('content_missing', digest)
              await onBlob(digest, bytes)
            }
          },
        }
        const deps = { identity: agentIdentity, root: by, trust, content, clock: () => now }
        const accepted = await acceptOffer(envelope, state, session, deps)
        state = accepted.state
        return accepted.verified
      },
    }
  }

  test(`T16: brings nothing foreign, old or mixed past the agent in ${tries} tries`, async (t) => {
    const agent = createAgent()
    const pick = createRandom(seed)
    const history: Uint8Array[] = []
    for (const bundle of [good[1]!, good[2]!]) {
      const made = await signer.sign(request(bundle))
      history.push(made.envelope)
      await agent.offer(made.envelope)
    }
    const other = { cluster: 'b', clusterId: 'id-b', clusterUid: 'uid-b' }
    const foreign = (await signer.sign(request(good[2]!, other))).envelope
    const newest = history.at(-1)!
    const serving = (from: Bundle, to: Bundle) =>
      new Map(blobs).set(from.manifest.digest, to.manifest.bytes)

    const forge = async (by: readonly SigningKey[], change: Partial<Snapshot>) =>
      (await signStatement('snapshot', { ...payloadOf(newest), sequence: 99, ...change }, by))
        .envelope
    const edit = (change: (text: Buffer) => void): Uint8Array => {
      const bytes = Buffer.from(newest)
      change(bytes)
      return bytes
    }
    const ask = async (asked: SignRequest): Promise<Uint8Array> =>
      (await signer.sign(asked)).envelope
    const one = () => evil[pick(evil.length)]!

    const attacks: Record<string, () => Promise<unknown>> = {
      'signed by a key of its own': async () =>
        agent.offer(await forge([stranger], { applications: request(one()).applications })),
      'the signature of another statement': async () => {
        const forged = await forge([stranger], { sequence: 50 + pick(50) })
        const envelope = JSON.parse(Buffer.from(forged).toString()) as Record<string, unknown>
        const real = JSON.parse(Buffer.from(newest).toString()) as Record<string, unknown>
        const mixed = canonicalJson({ ...envelope, signatures: real['signatures'] } as never)
        return agent.offer(Buffer.from(mixed))
      },
      'a changed byte': () =>
        agent.offer(edit((bytes) => (bytes[pick(bytes.length)]! ^= 1 + pick(255)))),
      'an older snapshot': () => agent.offer(history[pick(history.length - 1)]!),
      "another cluster's snapshot": () => agent.offer(foreign),
      'a freshness statement for a snapshot': async () => {
        const at = { epoch: 1, sequence: pick(9), digest: digestOf('x') }
        const asked = { clusterId: 'id-a', nonce: 'n'.repeat(43), at, auditHead: null }
        return agent.offer((await signer.freshness(asked)).envelope)
      },
      'content that nobody rendered': () => ask(request(one())).then((made) => agent.offer(made)),
      'content from further back than the policy lets': () =>
        ask(request(good[0]!)).then((made) => agent.offer(made)),
      'a tombstone': () => ask(removal()).then((made) => agent.offer(made)),
      'a sequence out of reach': () => {
        const floor = { epoch: 1, sequence: 2 ** 52 + pick(1_000), digest: null }
        return ask(request(good[2]!, { floor })).then((made) => agent.offer(made))
      },
      'the id of one cluster for another': () =>
        ask(request(good[2]!, { cluster: 'b' })).then((made) => agent.offer(made)),
      'another UID': () =>
        ask(request(good[2]!, { clusterUid: `uid-${pick(99)}` })).then((made) => agent.offer(made)),
      'other bytes for a digest': async () => {
        const fresh = createAgent()
        return fresh.offer(newest, serving(good[2]!, one()))
      },
      'a part left out': async () => {
        const parts = [good[2]!.manifest, ...good[2]!.objects]
        const less = new Map(blobs)
        less.delete(parts[pick(parts.length)]!.digest)
        return createAgent().offer(newest, less)
      },
      'a root statement of its own': async () => {
        const next = { ...rootOf('f', stranger), version: 2 }
        const { envelope } = await signStatement('root', next, [stranger])
        await assert.rejects(signer.adopt(envelope), { code: 'root_refused' })
        await verifyRootChain({ root, envelope: Buffer.from('') }, [envelope])
      },
    }

    const names = Object.keys(attacks)
    const refusals = new Map<string, number>()
    let bad = 0
    for (let at = 0; at < tries; at += 1) {
      const name = names[at % names.length]!
      const before = agent.state()
      try {
        await attacks[name]!()
        bad += 1
        t.diagnostic(`try ${at} was let through: ${name}`)
      } catch (error) {
        assert.ok(error instanceof AgentError || error instanceof HubError, String(error))
        refusals.set(error.code, (refusals.get(error.code) ?? 0) + 1)
      }
      if (agent.state() !== before) bad += 1
    }
    t.diagnostic(`${bad} bad accepts in ${tries} tries of ${names.length} kinds, seed ${seed}`)
    t.diagnostic(JSON.stringify(Object.fromEntries(refusals)))
    assert.equal(bad, 0)
    // What is honest still passes, after all of it.
    const honest = await signer.sign(request(good[2]!))
    assert.equal((await agent.offer(honest.envelope)).digest, honest.digest)
  })

  test('T5 T16: withheld or forged freshness shows as Stale; nothing else lets time go by', async () => {
    let clock = 0
    const watch = createWatch({
      identity: agentIdentity,
      nonce: () => Buffer.alloc(32, clock % 251),
      monotonic: () => clock,
      clock: () => now,
    })
    const made = await signer.sign(request(good[2]!))
    const { epoch, sequence, digest } = made
    const standing = { epoch, sequence, snapshotDigest: digest, rootVersion: 1 }
    const nonce = watch.ask()
    const asked = {
      clusterId: 'id-a',
      nonce: Buffer.from(nonce).toString('base64url'),
      at: { epoch, sequence, digest },
      auditHead: null,
    }
    const answer = await signer.freshness(asked)
    await watch.take(answer.envelope, root, standing)
    assert.equal(watch.stale(standing), false)
    for (let at = 0; at < 100; at += 1) {
      clock += 10_000
      watch.ask()
      // The old answer again, one for another cluster, and one by a key of its own.
      const payload = payloadOf(answer.envelope)
      const elsewhere = await signer.freshness({ ...asked, clusterId: 'id-b' })
      const forged = await signStatement('freshness', payload, [stranger])
      for (const envelope of [answer.envelope, elsewhere.envelope, forged.envelope]) {
        await assert.rejects(watch.take(envelope, root, standing), AgentError)
      }
    }
    assert.equal(watch.stale(standing), true)
  })

  test('T15: three rotations and a compromise while an agent sleeps: it wakes by the chain alone', async (t) => {
    const keys = [key]
    const mine = await createMemorySigner({ root, keys, clock: () => now })
    let newest = root
    let [rootKey, online] = [key, key]
    for (const step of ['online', 'root', 'online', 'compromise']) {
      const fresh = await makeSigningKey()
      const signers = [rootKey]
      const before = step === 'root' ? rootKey : online
      const roles = step === 'root' ? (['root'] as const) : (['snapshot', 'freshness'] as const)
      const without = { ...newest, roles: { ...newest.roles } }
      for (const role of roles) without.roles[role] = { keys: [fresh.publicKey], threshold: 1 }
      newest = await draftRoot(without, {
        newEpoch: step === 'compromise',
        expiresAt: newest.expiresAt,
      })
      if (step === 'root') {
        signers.push(fresh)
        rootKey = fresh
      } else {
        online = fresh
        keys.push(fresh)
      }
      t.diagnostic(`version ${newest.version}: ${thumbprintOf(before.publicKey)} goes (${step})`)
      await mine.adopt((await signStatement('root', newest, signers)).envelope)
    }
    const [first, ...rest] = await mine.roots()
    const woken = await verifyRootChain({ root, envelope: first! }, rest)
    assert.deepEqual([woken.root.version, woken.root.epoch], [5, 2])

    const agent = createAgent()
    const { manifest } = good[2]!
    const content = {
      digest: manifest.digest,
      repository: 'fleet',
      url: 'u',
      revision: 'r',
      kinds: [],
      clusters: ['a'],
    }
    await mine.attest({
      fleetRevision: 'r',
      clusters: ['a'],
      names: ['shop'],
      groups: {},
      applications: [{ name: 'shop', contents: [content], keep: [] }],
    })
    const made = await mine.sign(request(good[2]!))
    assert.deepEqual([made.epoch, made.sequence], [2, 1])
    await agent.offer(made.envelope, blobs, woken.root)
    // The stolen key and the rotated ones say nothing any more.
    for (const old of keys.slice(0, -1)) {
      const stolen = { ...payloadOf(made.envelope), sequence: 9 }
      const { envelope } = await signStatement('snapshot', stolen, [old])
      await assert.rejects(agent.offer(envelope, blobs, woken.root), { code: 'threshold_not_met' })
    }
  })
})
