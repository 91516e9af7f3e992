import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { type Claimed, claim } from '../../agent/link/claim.ts'
import { type Credentials, createCredentials } from '../../agent/link/credentials.ts'
import { AgentError } from '../../agent/errors.ts'
import type { StoredIdentity } from '../../agent/link/identity.ts'
import type { CertificateKey } from '../../agent/link/x509.ts'
import { HubError } from '../../hub/errors.ts'
import { createChallenges } from '../../hub/sync/challenge.ts'
import { createCredentials as createHubCredentials } from '../../hub/sync/credentials.ts'
import { createEnrolment } from '../../hub/sync/enrol.ts'
import { clientAuth } from '../../hub/sync/identity.ts'
import { createMembers } from '../../hub/sync/members.ts'
import type { Pins } from '../../hub/sync/pins.ts'
import type { Authority } from '../../hub/sync/x509.ts'
import { createMemoryRegister } from './memory-register.ts'
import type { Seed } from './seed.ts'

type Renewal = NonNullable<Awaited<ReturnType<Credentials['renewal']>>>
type Answer = Awaited<ReturnType<ReturnType<typeof createHubCredentials>['renew']>>
type Verdict = Awaited<ReturnType<ReturnType<typeof createHubCredentials>['identify']>>

interface Stream {
  readonly by: Extract<Verdict, { ok: true }>
  /** What the hub has not read yet: it may do so long after the agent has left. */
  readonly asked: Renewal[]
  readonly answered: Answer[]
}

/** Where clocks of both sides stand; milliseconds. */
export interface Time {
  now: number
}

const clusterUid = '6f0f2c26-0000-4000-8000-000000000001'
const member = { cluster: 'a', clusterId: 'id-a', clusterUid } as const

/** One honest agent, and its hub: real credentials of both, and streams whose ends lose and delay things. */
export async function openRenewalWorld(
  { random }: Seed,
  authority: Authority,
  time: Time,
  makeKey: () => CertificateKey,
) {
  const register = createMemoryRegister(() => time.now)
  const bound = generateKeyPairSync('ed25519')
  const boundKey = String(bound.publicKey.export({ format: 'jwk' }).x)
  const enrolment = { ...member, boundKey, enrolledAt: time.now, series: 1, recoverable: 2 }
  await register.append('x', [{ type: 'cluster.enrolled', enrolment, tokenId: 't' }])
  let pins: Pins | undefined
  const hub = createHubCredentials({
    ...{ fleet: 'f', membership: register.state, authority },
    pins: {
      get: async () => pins && { pins, was: JSON.stringify(pins) },
      async replace(_, was, next) {
        if ((pins ? JSON.stringify(pins) : null) !== was) return false
        pins = next
        return true
      },
    },
    async lock({ cluster, clusterId }, reason) {
      await register.append('hub', [{ type: 'cluster.locked', cluster, clusterId, reason }])
    },
  })
  const enrol = createEnrolment({
    record: createMembers({
      membership: register.state,
      append: (actor, decisions) => register.append(actor, decisions),
      take: async () => true,
      giveBack: async () => {},
    }),
    ...{ authority, challenges: createChallenges(randomBytes(32), randomBytes), allow: () => true },
    ...{ root: Buffer.from('root'), dataAddress: () => 'hub:1', newId: () => 'n' },
    clock: () => time.now,
  })
  const first = makeKey()
  const given = await authority.issue(first.publicKey, 'id-a', { series: 1, generation: 1 })
  let durable: StoredIdentity = {
    identity: { fleet: 'f', ...member },
    endpoint: {
      ...{ address: 'hub:1', hubCa: authority.certificate },
      ...{ certificateChain: given.chain, key: first.key },
    },
    boundKey: bound.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    ...{ generation: 1, receivedAt: time.now, enrolAddress: 'hub:2' },
  }
  const faults = { save: 'none' as 'none' | 'before' | 'after', claimLost: false }

  async function save(next: StoredIdentity): Promise<void> {
    if (faults.save !== 'before') durable = next
    if (faults.save !== 'none') throw new AgentError('trust_state_unwritable', faults.save)
  }

  async function ask(stored: StoredIdentity, request: Uint8Array): Promise<Claimed> {
    const answer = await claim(stored, request, {
      begin: async (asked) => enrol.begin(asked, 'p:1'),
      claim: (asked) => enrol.claim(asked, 'p:1').catch(refuse),
      enrol: () => assert.fail('it has joined'),
      close() {},
    })
    if (faults.claimLost) throw new AgentError('hub_unreachable', 'the answer is lost')
    return answer
  }

  const boot = (): Credentials =>
    createCredentials({
      ...{ stored: durable, save, claim: ask, createKey: async () => makeKey() },
      ...{ clock: () => time.now, monotonic: () => time.now, random },
      log: { info() {}, warn() {} },
    })
  let agent = boot()
  let mine: Stream | undefined
  const streams: Stream[] = []
  const failed = (code: string) => agent.failed(code).catch(pass)

  async function dial(): Promise<void> {
    mine = undefined
    const { subjectAltName, serialNumber, validTo } = new X509Certificate(
      agent.endpoint().certificateChain,
    )
    if (Date.parse(validTo) < time.now) return void (await failed('identity_refused'))
    const by = await hub.identify({
      ...{ subjectaltname: subjectAltName ?? '', serialNumber, ext_key_usage: [clientAuth] },
      ca: false,
    })
    if (!by.ok) return void (await failed('identity_refused'))
    streams.push((mine = { by, asked: [], answered: [] }))
    await agent.accepted().catch(pass)
  }

  return {
    faults,
    dial,
    connected: () => mine !== undefined,
    /** Of the certificate that the stream was opened with. */
    generation: () => mine?.by.certificate.generation,
    lockedFor: () => register.state.locked.get('a'),
    /** Whether it still may claim, or has done so as often as it may by itself. */
    mayClaim: () => (register.state.enrolments.get('a')?.series ?? 0) < 2,
    async ask(): Promise<void> {
      const value = mine && (await agent.renewal().catch(pass))
      if (value) mine?.asked.push(value)
    },
    /** The hub reads what some stream brought, whether or not anybody is at its other end. */
    async answer(): Promise<void> {
      const waiting = streams.filter(({ asked }) => asked.length > 0)
      const stream = waiting[Math.floor(random() * waiting.length)]
      if (!stream) return
      const { certificate } = stream.by
      const asked = stream.asked.shift()! as Parameters<typeof hub.renew>[2]
      const answer = await hub.renew(stream.by.enrolment, certificate, asked).catch(pass)
      if (answer) stream.answered.push(answer)
      else if (stream === mine) {
        mine = undefined
        await failed('identity_refused')
      }
    },
    async take(): Promise<void> {
      const answer = mine?.answered.shift()
      if (!answer) return
      const taken = await agent.renewed(answer).then(
        () => true,
        () => false,
      )
      if (taken) await dial()
    },
    lose(): void {
      const of = random() < 0.5 ? mine?.asked : mine?.answered
      of?.shift()
    },
    async cut(): Promise<void> {
      if (!mine) return
      mine = undefined
      await failed('hub_unreachable')
    },
    crash(): void {
      mine = undefined
      agent = boot()
    },
  }
}

function pass(error: unknown): undefined {
  if (error instanceof AgentError || error instanceof HubError) return undefined
  throw error
}

function refuse(error: unknown): never {
  throw new AgentError('token_refused', (error as Error).message)
}
