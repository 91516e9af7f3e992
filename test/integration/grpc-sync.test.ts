import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { SyncRequestSchema } from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import { formatJoinToken, secretKey } from '@groundswell/proto/enrol.ts'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { createAgent } from '../../agent/agent.ts'
import { systemClock } from '../../agent/cluster/clock.ts'
import { AgentError } from '../../agent/errors.ts'
import { enrol, type Enrolled } from '../../agent/link/enrol.ts'
import { decompressZstd, dial, dialEnrolment } from '../../agent/link/grpc.ts'
import { createAgentKey } from '../../agent/link/x509.ts'
import type { ApplicationState } from '../../agent/observe/status.ts'
import type { VerifiedSnapshot } from '../../agent/trust/verified.ts'
import { buildBundle } from '../../hub/bundle/build.ts'
import { loadSigningKey } from '../../hub/bundle/fs.ts'
import { signFirstRoot } from '../../hub/bundle/root.ts'
import { repeat } from '../../hub/clock.ts'
import type { Decision } from '../../hub/ledger/entry.ts'
import { emptyMembership, foldMembership } from '../../hub/ledger/membership.ts'
import type { Assignment } from '../../hub/rollout/rollout.ts'
import { createChallenges } from '../../hub/sync/challenge.ts'
import { createCredentials } from '../../hub/sync/credentials.ts'
import { createEnrolment } from '../../hub/sync/enrol.ts'
import { compressZstd, serveEnrolment, serveSync } from '../../hub/sync/grpc.ts'
import { createMembers } from '../../hub/sync/members.ts'
import { createOffers } from '../../hub/sync/offer.ts'
import { createServing } from '../../hub/sync/serving.ts'
import type { Session } from '../../hub/sync/session.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import {
  createMemoryCache,
  createMemoryContent,
  createMemoryPins,
  createMemorySnapshots,
  createMemoryTrust,
} from '../support/memory-stores.ts'
import { attestFirst, createMemorySigner } from '../support/open-signer.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const uid = '6f0f2c26-0000-4000-8000-000000000001'
const useFreely = { take: async () => true, giveBack: async () => {} }
const quiet = { info() {}, warn() {}, error() {} }

describe('an agent and a hub over real TLS', () => {
  let directory: { path: string; remove(): Promise<void> }
  let enrolListener: Awaited<ReturnType<typeof serveEnrolment>>
  let syncListener: Awaited<ReturnType<typeof serveSync>>
  let caPin: string
  let rootDigest: string
  const membership = emptyMembership()
  const append = async (_: string, decisions: readonly Decision[]): Promise<void> => {
    for (const decision of decisions) foldMembership(membership, decision as never, Date.now())
  }
  const assignments = new Map<string, Assignment[]>()
  const content = createMemoryContent()
  const sessions = new Set<Session>()
  const reports: { cluster: string; applications: string[] }[] = []
  const verdicts: { cluster: string; accepted: boolean; code: string }[] = []
  let [signed, rebuilds] = [0, 0]
  const stop = new AbortController()

  before(async () => {
    directory = await createTempDir('grpc-sync')
    const authority = await loadAuthority(`${directory.path}/ca`, 'test', Date.now)
    const snapshotKey = await loadSigningKey(directory.path, 'snapshot')
    const rootKey = await loadSigningKey(directory.path, 'root')
    const freshness = await loadSigningKey(directory.path, 'freshness')
    const keys = { root: rootKey, snapshot: snapshotKey, freshness }
    const root = await signFirstRoot('test', keys, Date.now())
    const signer = await createMemorySigner({
      root: root.root,
      keys: [snapshotKey, freshness],
      rootKeys: [rootKey],
      clock: Date.now,
    })
    caPin = authority.pin
    rootDigest = root.digest
    const certificate = await authority.serve(['groundswell-hub', '127.0.0.1'])
    const offerFor = createOffers({
      root: () => root.root,
      signer: attestFirst(signer),
      store: createMemorySnapshots(),
      assignments(cluster) {
        if (cluster === 'leaky') throw new Error('redis://:CANARY@redis.internal failed')
        return assignments.get(cluster) ?? []
      },
      clock: Date.now,
      onSigned: () => {
        signed += 1
      },
    })
    const serve = createServing({
      content,
      rebuild: async () => {
        rebuilds += 1
      },
    })
    const credentials = createCredentials({
      fleet: 'test',
      membership,
      pins: createMemoryPins(),
      authority,
      lock: async ({ cluster, clusterId }, reason) =>
        append('hub', [{ type: 'cluster.locked', cluster, clusterId, reason }]),
    })
    syncListener = await serveSync('127.0.0.1', 0, certificate, authority, {
      identify: (peer) => credentials.identify(peer),
      identity: credentials,
      offerFor,
      serve,
      compress: compressZstd,
      heartbeatSeconds: 1,
      reconnectWindowSeconds: () => 0,
      onConnected: (_, session) => sessions.add(session),
      onDisconnected: (_, session) => sessions.delete(session),
      onRefused: () => {},
      clock: Date.now,
      onHello: () => {},
      onHeartbeat: () => {},
      onOffered: () => {},
      onReport: (cluster, report) =>
        reports.push({ cluster, applications: report.applications.map((a) => a.application) }),
      onVerdict: (cluster, { accepted, code }) => verdicts.push({ cluster, accepted, code }),
    })
    enrolListener = await serveEnrolment(
      '127.0.0.1',
      0,
      certificate,
      authority,
      createEnrolment({
        record: createMembers({ membership, append, ...useFreely }),
        authority,
        root: root.envelope,
        dataAddress: () => syncListener.address,
        clock: Date.now,
        challenges: createChallenges(randomBytes(32), randomBytes),
        allow: () => true,
        newId: randomUUID,
      }),
    )
  })

  after(async () => {
    stop.abort()
    await syncListener.close(500)
    await enrolListener.close(500)
    await directory.remove()
  })

  function makeToken(cluster: string): string {
    const tokenId = randomBytes(5).toString('hex')
    const secret = randomBytes(16).toString('base64url')
    const key = secretKey(secret).toString('hex')
    const expiresAt = Date.now() + 60_000
    membership.tokens.set(tokenId, { tokenId, cluster, key, expiresAt, preApproved: true })
    return formatJoinToken({ tokenId, secret, caPin, rootDigest })
  }

  async function join(token: string, clusterUid = uid): Promise<Enrolled> {
    return enrol(token, clusterUid, await createAgentKey(), 'test', (pin) =>
      dialEnrolment(enrolListener.address, pin),
    )
  }

  function assign(cluster: string, text: string, generation: number): Digest {
    const bundle = buildBundle(
      [
        {
          id: { group: '', kind: 'ConfigMap', namespace: 'shop', name: 'settings' },
          apiVersion: 'v1',
          json: JSON.stringify({ apiVersion: 'v1', data: { text }, kind: 'ConfigMap' }),
          file: 'settings.yaml',
        },
      ],
      {
        application: 'shop',
        targetNamespace: '',
        prune: true,
        allowEmpty: false,
        drift: 'correct',
        deletionPolicy: 'Delete',
      },
    )
    for (const { digest, bytes } of [bundle.manifest, ...bundle.objects]) {
      content.blobs.set(digest, bytes)
    }
    const { digest, bytes } = bundle.manifest
    const revision = `main@sha1:${'a'.repeat(40)}`
    assignments.set(cluster, [
      {
        cluster,
        application: 'shop',
        digest,
        size: bytes.byteLength,
        revision,
        generation,
        rollout: 'r1',
      },
    ])
    for (const session of sessions) session.notice()
    return digest
  }

  function startAgent(enrolled: Enrolled, signal: AbortSignal) {
    const reconciled: VerifiedSnapshot[] = []
    let states: ApplicationState[] = []
    const agent = createAgent({
      identity: enrolled.identity,
      root: enrolled.root.statement,
      trust: createMemoryTrust({
        root: enrolled.root.envelope,
        epoch: 1,
        sequence: 0,
        snapshotDigest: null,
        envelope: null,
      }),
      content: createMemoryCache(),
      workloads: {
        async reconcile(snapshot) {
          reconciled.push(snapshot)
          states = snapshot.applications.map((application) => ({
            application: application.name,
            manifestDigest: application.state === 'present' ? application.manifestDigest : null,
            generation: application.generation,
            phase: 'Applied',
            health: 'Current',
            objects: 1,
            readyObjects: 1,
            unhealthy: [],
            errors: [],
            drift: [],
            driftedObjects: 0,
            healed: 0,
          }))
          agent.onChange(states)
        },
        states: () => states,
      },
      dial: () => dial(enrolled.endpoint),
      decompress: decompressZstd,
      facts: () => ({ kubernetesVersion: 'v1.35.4', nodes: 1 }),
      version: 'test',
      clock: Date.now,
      monotonic: () => performance.now(),
      random: () => 0,
      nonce: () => randomBytes(32),
      sleep: (ms, signal) => systemClock.sleep(ms, signal).catch(() => {}),
      every: repeat,
      log: quiet,
    })
    return { reconciled, done: agent.run(signal) }
  }

  it('joins once with a token, and never twice', async () => {
    const token = makeToken('alpha')
    const enrolled = await join(token)
    assert.equal(enrolled.identity.cluster, 'alpha')
    assert.equal(enrolled.identity.fleet, 'test')
    await assert.rejects(join(token), (error) => {
      assert(error instanceof AgentError)
      assert.equal(error.code, 'token_refused')
      return true
    })
  })

  it('refuses a wrong secret, a token pinned to another CA and another root', async () => {
    const wrongSecret = makeToken('beta').split('.')
    wrongSecret[2] = randomBytes(16).toString('base64url')
    await assert.rejects(join(wrongSecret.join('.')), { code: 'token_refused' })
    const wrongCa = makeToken('beta').split('.')
    wrongCa[3] = 'f'.repeat(64)
    await assert.rejects(join(wrongCa.join('.')), { code: 'hub_untrusted' })
    const wrongRoot = makeToken('beta').split('.')
    wrongRoot[4] = 'f'.repeat(64)
    const other = '6f0f2c26-0000-4000-8000-000000000002'
    await assert.rejects(join(wrongRoot.join('.'), other), { code: 'hub_untrusted' })
  })

  it('refuses to enrol one cluster under two names', async () => {
    await assert.rejects(join(makeToken('gamma')), { code: 'token_refused' })
  })

  it('delivers, is answered, delivers a change, and signs nothing new for a reconnect', async () => {
    const enrolled = await join(makeToken('delta'), '6f0f2c26-0000-4000-8000-000000000004')
    const first = assign('delta', 'one', 1)
    const quit = new AbortController()
    const agent = startAgent(enrolled, quit.signal)
    await until(() => agent.reconciled.length === 1, { deadlineMs: 10_000, what: 'first snapshot' })
    assert.equal(agent.reconciled[0]?.snapshot.sequence, 1)
    const [application] = agent.reconciled[0]?.applications ?? []
    assert(application?.state === 'present')
    assert.equal(application.manifestDigest, first)
    const [object] = application.manifest.objects
    const bytes = await application.read(object!.digest)
    assert.equal(digestOf(bytes), object!.digest)
    await until(
      () => reports.some((r) => r.cluster === 'delta' && r.applications.includes('shop')),
      {
        deadlineMs: 5_000,
        what: 'a report',
      },
    )
    const second = assign('delta', 'two', 2)
    await until(() => agent.reconciled.length === 2, { deadlineMs: 10_000, what: 'the change' })
    const [changed] = agent.reconciled[1]?.applications ?? []
    assert(changed?.state === 'present')
    assert.equal(changed.manifestDigest, second)
    const before = signed
    const again = startAgent(enrolled, quit.signal)
    await until(() => again.reconciled.length === 1, {
      deadlineMs: 10_000,
      what: 'the newest only',
    })
    assert.equal(again.reconciled[0]?.snapshot.sequence, 2)
    assert.equal(signed, before)
    quit.abort()
    await Promise.all([agent.done, again.done])
  })

  it('serves no content of another cluster', async () => {
    const enrolled = await join(makeToken('epsilon'), '6f0f2c26-0000-4000-8000-000000000005')
    const foreign = assign('zeta', 'secret of zeta', 1)
    assign('epsilon', 'own', 1)
    const quit = new AbortController()
    const agent = startAgent(enrolled, quit.signal)
    await until(() => agent.reconciled.length === 1, { deadlineMs: 10_000, what: 'own content' })
    const { createServing: create } = await import('../../hub/sync/serving.ts')
    const serve = create({ content, rebuild: async () => {} })
    const list = agent.reconciled[0]!.snapshot.applications
    const served = await serve('epsilon', list, [foreign])
    assert.deepEqual(served.missing, [foreign])
    assert.equal(served.blobs.length, 0)
    quit.abort()
    await agent.done
  })

  it('B59: a fault inside the hub tells the agent nothing but that there was one', async () => {
    const enrolled = await join(makeToken('leaky'), '6f0f2c26-0000-4000-8000-000000000009')
    const stream = dial(enrolled.endpoint)
    let words: string | undefined
    const ended = (async () => {
      for await (const _ of stream.responses) continue
    })()
    ended.catch((error: unknown) => {
      words = `${String(error)} ${String((error as Error).cause)}`
    })
    const clusterUid = enrolled.identity.clusterUid
    await stream.send(
      create(SyncRequestSchema, { message: { case: 'hello', value: { protocol: 1, clusterUid } } }),
    )
    await until(() => words, { deadlineMs: 5_000, what: 'the stream to end' })
    assert.match(words!, /internal error/)
    assert.doesNotMatch(words!, /CANARY|redis/)
    stream.close()
  })

  it('a conversation that breaks while a message is handled ends the stream at the agent too', async () => {
    const enrolled = await join(makeToken('theta'), '6f0f2c26-0000-4000-8000-000000000008')
    const stream = dial(enrolled.endpoint)
    const ended = (async () => {
      for await (const _ of stream.responses) continue
    })()
    let words: string | undefined
    ended.catch((error: unknown) => {
      words = (error as Error).message
    })
    const clusterUid = enrolled.identity.clusterUid
    await stream.send(
      create(SyncRequestSchema, { message: { case: 'hello', value: { protocol: 1, clusterUid } } }),
    )
    await stream.send(
      create(SyncRequestSchema, { message: { case: 'want', value: { digests: ['not one'] } } }),
    )
    await until(() => words, { deadlineMs: 5_000, what: 'the stream to end' })
    assert.match(words!, /a want names/)
    stream.close()
  })

  it('waits for content the hub lost, and takes it when it is back', async () => {
    const enrolled = await join(makeToken('eta'), '6f0f2c26-0000-4000-8000-000000000007')
    const digest = assign('eta', 'lost for a while', 1)
    const bytes = content.blobs.get(digest)!
    content.blobs.delete(digest)
    const quit = new AbortController()
    const agent = startAgent(enrolled, quit.signal)
    await until(
      () => verdicts.some(({ cluster, code }) => cluster === 'eta' && code === 'content_missing'),
      { deadlineMs: 10_000, what: 'a refusal' },
    )
    assert.equal(agent.reconciled.length, 0)
    assert(rebuilds > 0)
    content.blobs.set(digest, bytes)
    await until(() => agent.reconciled.length === 1, { deadlineMs: 10_000, what: 'acceptance' })
    quit.abort()
    await agent.done
  })
})
