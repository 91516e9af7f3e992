import { type Hold, describeHold } from '../hold/hold.ts'
import type { Position } from '../standing.ts'
import type { ApplicationState } from '../observe/status.ts'

/** All an agent knows, for who stands at its cluster with hub and Git out of reach. */
export interface AgentStatus {
  readonly cluster: string
  readonly fleet: string
  readonly version: string
  readonly hub: {
    readonly address: string
    /** Milliseconds since the epoch; null while there is no stream. */
    readonly connectedSince: number | null
  }
  /** Nobody vouches any more that what it holds is the newest. */
  readonly stale: boolean
  /** What it accepted last. */
  readonly position: Position
  /** Why what it holds would not survive the loss of its disk; absent when it would. */
  readonly notKept?: string
  /** What somebody at the cluster has wait; absent from an agent of before. */
  readonly holds?: readonly Hold[]
  readonly applications: readonly ApplicationState[]
}

export function formatStatus(status: AgentStatus): string {
  return `${JSON.stringify(status, null, 2)}\n`
}

/** What `formatStatus` made; undefined from an agent that has only begun. */
export function parseStatus(text: string): AgentStatus | undefined {
  const status = JSON.parse(text) as Partial<AgentStatus>
  return status.position && (status as AgentStatus)
}

/** As lines of text; `now` in milliseconds since the epoch. */
export function describeStatus(status: AgentStatus, now: number): string {
  const { cluster, fleet, hub, applications } = status
  const link =
    hub.connectedSince === null
      ? `away from the hub (${hub.address}); goes on with what it has`
      : `connected to ${hub.address} for ${formatAge(now - hub.connectedSince)}`
  const lines = [
    `cluster ${cluster} of fleet ${fleet}, agent ${status.version}`,
    link,
    describePosition(status),
    ...(status.notKept ? [`would not survive the loss of its disk: ${status.notKept}`] : []),
    ...(status.holds ?? []).map((hold) => `on hold: ${describeHold(hold)}`),
    ...applications.flatMap((application) => ['', ...describeApplication(application, now)]),
  ]
  return `${lines.join('\n')}\n`
}

function describePosition({ position, stale }: AgentStatus): string {
  const { sequence, epoch, rootVersion, snapshotDigest } = position
  if (sequence === 0) return 'has accepted nothing yet'
  const at = `at sequence ${sequence} of epoch ${epoch}, root ${rootVersion}`
  if (snapshotDigest === '')
    return `${at}, whose content is not at hand: leaves all as it is, until the hub sends it`
  return stale ? `${at}; stale: nobody vouches that this is the newest` : at
}

function describeApplication(state: ApplicationState, now: number): string[] {
  const { application, phase, health, objects, readyObjects, healed } = state
  const head = `${application}: ${phase}, ${health}, ${readyObjects} of ${objects} objects ready`
  return [
    healed > 0 ? `${head}, ${healed} repaired so far` : head,
    ...(state.waiting ? [indent('waiting', state.waiting)] : []),
    ...(state.held
      ? [indent('on hold', state.held.digest ? `${state.held.digest} waits` : 'its removal waits')]
      : []),
    ...state.unhealthy.map(({ object, health, message }) =>
      indent(object, message ? `${health}: ${message}` : health),
    ),
    ...state.errors.map(({ object, file, code, message }) =>
      indent(object || application, `${file ? `${file}: ` : ''}${code}: ${message}`),
    ),
    ...state.drift.flatMap(({ object, missing, firstSeen, fields }) =>
      missing || fields.length === 0
        ? [
            indent(
              object,
              `${missing ? 'is missing' : 'differs'}, for ${formatAge(now - firstSeen)}`,
            ),
          ]
        : fields.map(({ path, desired, live, manager }) =>
            indent(
              object,
              `${path || 'content'} is ${live || 'absent'}, should be ${desired || 'absent'}${manager ? ` (${manager})` : ''}`,
            ),
          ),
    ),
  ]
}

function indent(object: string, words: string): string {
  return `  ${object}: ${words}`
}

function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`
}
