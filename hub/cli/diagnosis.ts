import { shortRevision } from '@groundswell/proto/revision.ts'
import type {
  AuthorityView,
  FleetView,
  HealthView,
  SourceView,
  SummaryView,
  TrustView,
  WhoView,
} from '../client/gen/api.ts'

/** What was looked at, how it is, and what to do where it is not well. */
export interface Finding {
  readonly check: string
  readonly state: 'OK' | 'WARN' | 'FAIL' | 'SKIP'
  readonly message: string
  /** Empty when there is nothing to do. */
  readonly advice: string
}

/** Seconds a clock may be off: tokens and certificates tell of times. */
const skew = { warn: 5, fail: 60 } as const
const day = 86_400_000
/** Milliseconds before its end that a token or a root statement is worth a word. */
const soon = 14 * day
/** Days before the end of an authority that somebody should look. */
const authorityDays = 30

const finding = (
  check: string,
  state: Finding['state'],
  message: string,
  advice = '',
): Finding => ({ check, state, message, advice })

export function judgeVersion(own: string, hub: string): Finding {
  if (own === hub) return finding('version', 'OK', `swell and hub ${hub}`)
  return finding('version', 'WARN', `swell ${own}, hub ${hub}`, 'take the swell of the hub')
}

/** @param ahead milliseconds the hub's clock is ahead of ours */
export function judgeClock(ahead: number | undefined): Finding {
  if (ahead === undefined) return finding('clock', 'SKIP', 'the hub sent no date')
  const off = Math.round(Math.abs(ahead) / 1_000)
  const message = `the hub's is ${off}s ${ahead < 0 ? 'behind' : 'ahead of'} this machine's`
  const state = off > skew.fail ? 'FAIL' : off > skew.warn ? 'WARN' : 'OK'
  const advice = state === 'OK' ? '' : 'set both clocks by NTP; tokens and certificates go by them'
  return finding('clock', state, message, advice)
}

const checkAdvice: Readonly<Record<string, string>> = {
  redis: 'look at Redis, and at the address and password the hub has of it',
  fleet: 'see `swell fleet`, and whether the hub reaches its Git host',
}

/** Warnings of a hub by their code; others are told as they are. */
const warnings: Readonly<Record<string, Omit<Finding, 'check'>>> = {
  ledger_unwritable: {
    state: 'FAIL',
    message: 'the ledger cannot be written: nothing is decided, agents go on',
    advice: 'look at the disk of the hub’s data directory, and at its log; it goes on by itself',
  },
  ledger_unpushed: {
    state: 'FAIL',
    message: 'the remote of the ledger does not take it: decisions are on the hub’s disk alone',
    advice:
      'see the log of the hub for what Git says, and whether the remote is there and takes it',
  },
  redis_unwritable: {
    state: 'FAIL',
    message: 'Redis answers but takes nothing: rollouts stand still, agents go on',
    advice:
      'see the log of the hub for what Redis says: full (`maxmemory`, disk), a replica, or it hangs; the hub goes on by itself',
  },
  signer_unavailable: {
    state: 'FAIL',
    message:
      'the signer cannot be reached: nothing new is signed, so rollouts stand still; agents go on, and call themselves stale',
    advice: 'start the process of `--role signer`, or see its log; the hub goes on by itself',
  },
  renderer_unavailable: {
    state: 'FAIL',
    message: 'the renderer cannot be reached: Git is not read, nothing is rendered; agents go on',
    advice: 'start the process of `--role renderer`, or see its log; the hub goes on by itself',
  },
  disk_low: {
    state: 'WARN',
    message: 'less than 64 MiB are free in the hub’s data directory',
    advice: 'make room, or enlarge the volume: a ledger that cannot be written decides nothing',
  },
}

export function judgeHealth({ checks, warnings: codes = [] }: HealthView): Finding[] {
  return [
    ...checks.map(({ name, ok }) =>
      ok
        ? finding(
            `hub: ${name}`,
            'OK',
            name === 'redis' && codes.includes('redis_unwritable') ? 'is connected' : 'works',
          )
        : finding(
            `hub: ${name}`,
            'FAIL',
            'does not work',
            checkAdvice[name] ?? 'see the log of the hub',
          ),
    ),
    ...codes.map((code) =>
      Object.hasOwn(warnings, code)
        ? { check: `hub: ${code}`, ...warnings[code]! }
        : finding('hub', 'WARN', code, 'see the runbooks, and `swell support` for the whole of it'),
    ),
  ]
}

export function judgeCaller({ actor, role, expiresAt }: WhoView, now: number): Finding {
  const who = `${actor}, ${role ?? 'no role over the whole fleet'}`
  if (expiresAt !== null && Date.parse(expiresAt) - now < soon) {
    const advice = 'make a new one in time: `swell token create`, or `swell login`'
    return finding('token', 'WARN', `${who}, until ${expiresAt}`, advice)
  }
  return finding('token', 'OK', who)
}

export function judgeSources(sources: readonly SourceView[]): Finding[] {
  return sources.map(({ name, failure, suspended, revision }) => {
    const check = `source ${name}`
    if (failure) {
      const message = `${failure.message}, ${failure.count} times since ${failure.since}`
      return finding(check, 'FAIL', message, `see \`swell describe source ${name}\``)
    }
    if (suspended) return finding(check, 'WARN', 'suspended', 'Git says so; take it out to go on')
    if (revision === null) return finding(check, 'WARN', 'not fetched yet', 'wait a minute')
    return finding(check, 'OK', shortRevision(revision))
  })
}

export function judgeFleet({ refused, faults, warnings }: FleetView): Finding {
  if (refused !== null || faults.length > 0) {
    const message =
      refused === null
        ? `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`
        : `${shortRevision(refused)} refused`
    return finding('configuration', 'FAIL', message, '`swell fleet` has each, with file and line')
  }
  if (warnings.length === 0) return finding('configuration', 'OK', 'no faults')
  return finding('configuration', 'WARN', `${warnings.length} warnings`, 'see `swell fleet`')
}

export function judgeAgents({ clusters, deployments }: SummaryView): Finding[] {
  const { total, connected, disconnected, neverConnected, stale, waitForApproval, locked } =
    clusters
  const findings = [
    disconnected > 0 &&
      finding(
        'agents',
        'FAIL',
        `${disconnected} of ${total} are cut off`,
        'see `swell get clusters --sort name`, and the log of their agents',
      ),
    stale > 0 &&
      finding(
        'agents',
        'FAIL',
        `${stale} are stale: nobody vouched lately that what they have is the newest`,
        'look at the signer and the clocks: the runbook GroundswellClusterStale',
      ),
    neverConnected > 0 &&
      finding(
        'agents',
        'WARN',
        `${neverConnected} never came`,
        'install them: `swell agent manifest CLUSTER --image IMAGE`',
      ),
    waitForApproval > 0 &&
      finding(
        'agents',
        'WARN',
        `${waitForApproval} wait for approval`,
        'see `swell cluster pending`, compare fingerprints, `swell cluster approve`',
      ),
    locked > 0 &&
      finding(
        'agents',
        'FAIL',
        `${locked} are locked: an identity was used twice`,
        'find out where, then `swell cluster unlock` or `revoke`',
      ),
    deployments.failed > 0 &&
      finding(
        'deployments',
        'FAIL',
        `${deployments.failed} failed`,
        'see `swell get applications --sort -failed`',
      ),
  ].filter((one) => one !== false)
  return findings.length > 0
    ? findings
    : [finding('agents', 'OK', `${connected}/${total} connected`)]
}

export function judgeAuthorities(authorities: readonly AuthorityView[]): Finding[] {
  return authorities.map(({ state, to, daysLeft }) => {
    const check = `authority (${state})`
    if (daysLeft > authorityDays || state === 'Retiring') {
      return finding(check, 'OK', `until ${to}`)
    }
    const advice = 'the hub renews it while it runs: see `swell cluster authorities`, and its log'
    return finding(check, daysLeft > 0 ? 'WARN' : 'FAIL', `until ${to}`, advice)
  })
}

export function judgeRoot({ expiresAt, warnings = [] }: TrustView, now: number): Finding[] {
  const left = Date.parse(expiresAt) - now
  const state = left <= 0 ? 'FAIL' : left < soon ? 'WARN' : 'OK'
  const advice = state === 'OK' ? '' : 'make the next one: `swell trust rotate`'
  return [
    finding('root statement', state, `until ${expiresAt}`, advice),
    ...warnings.map(({ message }) =>
      finding('root statement', 'WARN', message, 'see `swell trust show`'),
    ),
  ]
}
