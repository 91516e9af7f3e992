import { repeat } from '../clock.ts'
import type { Leader } from '../ledger/replay.ts'
import { createLifetime } from '../lifetime.ts'
import { createFollowing } from '../replica/following.ts'
import { serveStandby } from '../replica/http.ts'
import { reachLeader } from '../replica/link/grpc.ts'
import { serveEnrolmentRelay, serveRelay } from '../replica/relay/grpc.ts'
import { createRefusalLog } from '../sync/handshake.ts'
import type { Authority } from '../sync/x509.ts'
import { openCertificate } from './certificate.ts'
import { openGate } from './gate.ts'
import type { Surroundings } from './surroundings.ts'

/** A stream or join waits so long for a leader: a lease and a start. */
const holdMs = 20_000
/** People and their tools wait less. */
const callMs = 1_000
/** From when it takes the lead until its agents are gone: they come back at once. */
const handOverMs = 1_000

export interface FollowingHub {
  /** Another leads by now. */
  turnTo(leader: Leader | null): void
  /** Frees the ports: this hub leads, or ends. */
  readonly close: () => Promise<void>
}

/** What a replica does while another leads: it takes in agents, joins and calls, and passes them on. */
export async function startFollowing(
  surroundings: Surroundings,
  name: string,
  authority: Authority,
  leader: () => Leader | null,
): Promise<FollowingHub> {
  const { config, log, clock } = surroundings
  await using life = createLifetime(repeat, (err, message) => log.warn({ err }, message))
  let vouched = await authority.vouch(name)
  const following = life.own(
    createFollowing({
      reach: (address) => reachLeader(address, authority.certificate, vouched),
      onChange: () => relay?.dismissAll('another hub leads'),
      monotonic: () => performance.now(),
      after(ms, run) {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
    }),
    (open) => open.close(),
  )
  const link = () => following.link(holdMs)
  const shown = await openCertificate(surroundings, life, authority)
  async function vouchAnew(): Promise<void> {
    vouched = await authority.vouch(name)
    following.renew()
  }
  shown.showOn({
    present: () =>
      void vouchAnew().catch((err: unknown) =>
        log.warn({ err }, 'no certificate of this replica was made'),
      ),
  })
  const refusals = createRefusalLog(
    (reason, peer, untold) =>
      log.warn({ peer, reason, ...(untold > 0 && { untold }) }, 'a stream was refused'),
    clock,
  )
  const { host } = config
  const onCrowd = (): void => {}
  const relay = life.own(
    await serveRelay(host, config.dataPort, shown.now(), authority, {
      link,
      gate: openGate(surroundings, 'data', onCrowd),
      keyExchange: config.keyExchange,
      onRefused: refusals,
    }),
    (listener) => listener.close(handOverMs),
  )
  const joins = life.own(
    await serveEnrolmentRelay(host, config.enrolPort, shown.now(), authority, {
      link,
      gate: openGate(surroundings, 'enrol', onCrowd),
    }),
    (listener) => listener.close(handOverMs),
  )
  shown.showOn(relay, joins)
  life.own(
    await serveStandby(host, config.apiPort, {
      leader: () => leader()?.replica ?? null,
      up: () => following.up,
      relayed: () => relay.live,
      connect: async () => (await following.link(callMs)).connect(),
    }),
    (close) => close(),
  )
  const owned = life.move()
  return {
    turnTo: (next) => following.turnTo(next?.address),
    async close() {
      // Whoever waits for a leader waits no longer.
      following.close()
      await owned[Symbol.asyncDispose]()
    },
  }
}
