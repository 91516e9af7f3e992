import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { canonicalJson } from '@groundswell/proto/canonical.ts'
import type { Snapshot, SnapshotApplication } from '@groundswell/proto/statement.ts'
import { Redis } from 'ioredis'
import { createContentStore } from '../../hub/bundle/redis.ts'
import { signStatement } from '../../hub/bundle/sign.ts'
import { HubError } from '../../hub/errors.ts'
import type { Decision } from '../../hub/ledger/entry.ts'
import { openLedger } from '../../hub/ledger/git.ts'
import { takeTurns } from '../../hub/clock.ts'
import { createRemoteRenderer } from '../../hub/roles/renderer-calls.ts'
import { createRemoteSigner } from '../../hub/roles/signer-calls.ts'
import type { SignRequest } from '../../hub/signer/signer.ts'
import { waitForRollout } from '../support/api-client.ts'
import { startEvilHub } from '../support/evil-hub.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent } from '../support/memory-agent.ts'
import { dialRole } from '../support/role-calls.ts'
import { startRoles } from '../support/role-processes.ts'
import { createSeed } from '../support/seed.ts'
import { bundleOf } from '../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../support/signing-key.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

/*
 * The front end was taken over: its TLS key and CA, Redis, the ledger, the API's token and its
 * sockets to signer and renderer are the attacker's. Signer and renderer run on, as they were.
 */

const tries = 1_040
const object = '/ConfigMap/web/settings'

it('T5, T16: an evil front end beside a signer of its own process: no bad apply, and Stale is shown', async (t) => {
  const seed = createSeed(process.env['SEED'])
  t.diagnostic(`SEED=${seed.text}`)
  const pick = (below: number) => Math.floor(seed.random() * below)
  await using world = await createSurroundings()
  const policy = join(world.directory, 'policy.yaml')
  await writeFile(policy, 'history: 2\n')
  await using roles = await startRoles(world, { policy })
  const { api } = roles.api
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'text 0') })
  const [oldest] = [await world.repository.readHead()]
  await untilReady(roles.api)
  await using agent = await startMemoryAgent(roles.api, 'a')
  const b = await startMemoryAgent(roles.api, 'b')
  const history: Uint8Array[] = []
  for (const text of ['text 0', 'text 1', 'text 2']) {
    const commit = await world.repository.commit({
      'apps/web/settings.yaml': configMap('settings', text),
    })
    await until(
      () => (agent.cluster.read(object)?.['data'] as { text?: string } | undefined)?.text === text,
      { deadlineMs: 30_000, what: `${text} to be applied` },
    )
    await waitForRollout(api, 'web', 'Succeeded', text === 'text 0' ? {} : { commit })
    history.push(agent.lastOffer()!)
  }
  await b.stop()
  await roles.api.kill()

  // What the attacker has.
  await using evil = await startEvilHub(
    join(roles.api.data, 'ca'),
    'groundswell',
    agent.endpoint.port,
  )
  const sign = await dialRole(roles.sockets, 'sign')
  const render = await dialRole(roles.sockets, 'render')
  const signer = createRemoteSigner(sign.caller)
  const renderer = createRemoteRenderer(render.caller, takeTurns)
  const redis = new Redis(roles.redis.url)
  const content = createContentStore(redis, 'gs:{groundswell}', Date.now)
  const stranger = await makeSigningKey()
  const foreign = [bundleOf('web', 'evil'), bundleOf('web'), bundleOf('other', 'evil')]
  for (const { manifest, objects } of foreign) {
    await content.put([manifest, ...objects])
    for (const { digest, bytes } of [manifest, ...objects]) evil.contents.set(digest, bytes)
  }
  await until(() => evil.isConnected(), { deadlineMs: 30_000, what: 'the agent to come' })

  const payloadOf = (envelope: Uint8Array): Snapshot => {
    const { payload } = JSON.parse(Buffer.from(envelope).toString()) as { payload: string }
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Snapshot
  }
  const newest = history.at(-1)!
  const honest = payloadOf(newest)
  const { cluster, clusterId, clusterUid } = agent.identity
  const other = { cluster: 'b', clusterId: b.identity.clusterId, clusterUid: b.identity.clusterUid }
  const { epoch } = honest
  const none = { epoch, sequence: 0, digest: null }
  const request = (
    applications: readonly SnapshotApplication[],
    change: Partial<SignRequest> = {},
  ): SignRequest => ({ cluster, clusterId, clusterUid, applications, floor: none, ...change })
  const evilList = (): SnapshotApplication[] => {
    const { manifest } = foreign[pick(foreign.length)]!
    const { digest, bytes } = manifest
    const [first] = honest.applications
    const revision = `main@sha1:${'0'.repeat(40)}`
    const of = { digest, size: bytes.byteLength }
    const generation = first!.generation + 1
    return [{ name: 'web', generation, state: 'present', manifest: of, revision }]
  }
  const forge = async (change: Partial<Snapshot>) => {
    const snapshot = { ...honest, sequence: honest.sequence + 1 + pick(50), ...change }
    return (await signStatement('snapshot', snapshot, [stranger])).envelope
  }
  const offer = async (envelope: Uint8Array) => {
    const { accepted, code } = await evil.offer(envelope)
    if (!accepted) throw new HubError('forbidden', code)
  }
  const ask = async (asked: SignRequest) => offer((await signer.sign(asked)).envelope)
  const nonceOf = () => Buffer.from(evil.nonces.at(-1)!).toString('base64url')
  const freshness = async (id: string, nonce: string) =>
    (await signer.freshness({ clusterId: id, nonce, at: none, auditHead: null })).envelope

  const attacks: Record<string, () => Promise<unknown>> = {
    'signed by a key of its own': async () => offer(await forge({ applications: evilList() })),
    'the signature of another statement': async () => {
      const forged = JSON.parse(Buffer.from(await forge({})).toString()) as object
      const real = JSON.parse(Buffer.from(newest).toString()) as { signatures: unknown }
      const mixed = canonicalJson({ ...forged, signatures: real.signatures } as never)
      await offer(Buffer.from(mixed))
    },
    'a changed byte': async () => {
      const bytes = Buffer.from(newest)
      bytes[pick(bytes.length)]! ^= 1 + pick(255)
      await offer(bytes)
    },
    'an older snapshot': () => offer(history[pick(history.length - 1)]!),
    "another cluster's snapshot, signed for it": async () => {
      const { envelope } = await signer.sign(request(honest.applications, other))
      await offer(envelope)
    },
    'a freshness statement for a snapshot': async () =>
      offer(await freshness(clusterId, nonceOf())),
    'content that only Redis has': () => ask(request(evilList())),
    'content from further back than the policy lets': () =>
      ask(request(payloadOf(history[0]!).applications)),
    'a tombstone': () =>
      ask(request([{ name: 'web', generation: 99, state: 'removed', deletionPolicy: 'Delete' }])),
    'a sequence out of reach': () =>
      ask(
        request(honest.applications, {
          floor: { epoch, sequence: 2 ** 52 + pick(1_000), digest: null },
        }),
      ),
    'the id of one cluster for another': () => ask(request(honest.applications, { cluster: 'b' })),
    'another UID': () => ask(request(honest.applications, { clusterUid: `uid-${pick(99)}` })),
    'an attestation by the way of the front end': async () => {
      await sign.caller.call('attest', { applications: evilList() }, { deadlineMs: 5_000 })
      await ask(request(evilList()))
    },
    'an old commit that the renderer is asked for': async () => {
      await renderer.render(`main@sha1:${oldest}`, AbortSignal.timeout(10_000))
      await ask(request(payloadOf(history[0]!).applications))
    },
    'a root statement of its own': async () => {
      const root = { ...rootOf('groundswell', stranger), version: 2 }
      const { envelope } = await signStatement('root', root, [stranger])
      evil.say({ case: 'rootChain', value: { envelopes: [Uint8Array.from(envelope)] } })
      await assert.rejects(signer.adopt(envelope), { code: 'root_refused' })
      await offer(await forge({ applications: evilList() }))
    },
    'freshness forged, replayed or of another cluster, to pass as the newest': async () => {
      const forged = await signStatement(
        'freshness',
        payloadOf(await freshness(clusterId, nonceOf())),
        [stranger],
      )
      const old = await freshness(clusterId, 'n'.repeat(43))
      const foreignWord = await freshness(other.clusterId, nonceOf())
      for (const envelope of [forged.envelope, old, foreignWord]) {
        evil.say({ case: 'freshness', value: { envelope: Uint8Array.from(envelope) } })
      }
      await offer(await forge({ applications: evilList() }))
    },
  }

  const names = Object.keys(attacks)
  const counted = new Map<string, { tries: number; codes: Set<string> }>()
  const writes = () =>
    agent.cluster.calls.filter((call) => /^(apply|delete|disown)/.test(call)).length
  const before = writes()
  const { sequence } = await agent.trust.load()
  let bad = 0
  for (let at = 0; at < tries; at += 1) {
    const name = names[at % names.length]!
    const seen = counted.get(name) ?? { tries: 0, codes: new Set() }
    counted.set(name, { tries: seen.tries + 1, codes: seen.codes })
    try {
      await attacks[name]!()
      bad += 1
      t.diagnostic(`try ${at} was let through: ${name}`)
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      seen.codes.add(error.code === 'forbidden' ? error.message : error.code)
    }
    if (writes() !== before) bad += 1
  }
  for (const [name, seen] of counted) {
    t.diagnostic(`${seen.tries} × ${name}: ${[...seen.codes].join(', ')}`)
  }
  t.diagnostic(`${bad} bad applies in ${tries} tries of ${names.length} kinds`)
  assert.equal(bad, 0)
  assert.equal((await agent.trust.load()).sequence, sequence)
  assert.equal((agent.cluster.read(object)!['data'] as { text: string }).text, 'text 2')

  // Nothing of that was the signer's word for the agent's own question: it says so.
  agent.passTime(11 * 60_000)
  await until(() => evil.isStale(), { deadlineMs: 20_000, what: 'the agent to be stale' })
  assert.equal(writes(), before, 'and what runs goes on')

  // Lines of the attacker's in the ledger: the honest front end believes them, the signer does not.
  const ledger = await openLedger(join(roles.api.data, 'ledger'), {
    clock: Date.now,
    author: { name: 'Evil', email: 'evil@example' },
    log: () => {},
  })
  const lines: { actor: string; decision: Decision }[] = []
  for await (const { actor, decision } of ledger.read()) {
    if (decision.type === 'rollout.created') lines.length = 0
    if (decision.type.startsWith('rollout.')) lines.push({ actor, decision })
  }
  // The last rollout once more, with content of their own in the place of what it brought.
  const { id } = (lines[0]!.decision as { plan: { id: string } }).plan
  const [{ manifest: good }] = honest.applications as unknown as [{ manifest: { digest: string } }]
  for (const { actor, decision } of lines) {
    const text = JSON.stringify(decision)
      .replaceAll(id, 'evil-rollout')
      .replaceAll(good.digest, foreign[0]!.manifest.digest)
    await ledger.append(actor, [JSON.parse(text) as Decision])
  }
  await ledger.close()
  await evil[Symbol.asyncDispose]()
  await sign.close()
  await render.close()
  redis.disconnect()
  await roles.api.start()
  await world.repository.commit({ 'apps/web/settings.yaml': configMap('settings', 'text 3') })
  const texts = new Set<string>()
  await until(
    () => {
      const { text } = agent.cluster.read(object)!['data'] as { text: string }
      texts.add(text)
      return text === 'text 3'
    },
    { deadlineMs: 45_000, intervalMs: 5, what: 'Git to be followed again' },
  )
  assert.deepEqual([...texts], ['text 2', 'text 3'])
  const after = writes()

  // A signer that is away gives no word either, and people see it.
  await roles.signer.kill()
  agent.passTime(11 * 60_000)
  await until(async () => (await api.get<{ stale?: boolean }>('clusters/a')).stale === true, {
    deadlineMs: 30_000,
    what: 'the hub to call it stale',
  })
  const { out } = await runSwell(roles.api, 'describe', 'cluster', 'a')
  assert.match(out, /Stale: +yes/)
  roles.signer.start()
  await roles.signer.says('ready')
  // It asks again when half of what an answer lives has gone.
  agent.passTime(6 * 60_000)
  await until(async () => (await api.get<{ stale?: boolean }>('clusters/a')).stale !== true, {
    deadlineMs: 30_000,
    what: 'it to be fresh again',
  })
  assert.equal(writes(), after)
})
