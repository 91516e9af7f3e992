import type { RunChange } from '../rollout/store/change.ts'
import type { ClusterProgress, RolloutRun } from '../rollout/rollout.ts'

/** When the waves of a rollout began, and how long each had nothing to wait for. Milliseconds. */
export interface WaveTimes {
  /** By wave: when its gates let it go. */
  readonly starts: ReadonlyMap<number, number>
  /** By wave: how long none of its clusters was on its way: windows were closed, or others came first. */
  readonly idle: ReadonlyMap<number, number>
  /** Clusters on their way now. */
  readonly inFlight: number
  /** Since when there are none. */
  readonly idleSince: number
}

export const noTimes: WaveTimes = { starts: new Map(), idle: new Map(), inFlight: 0, idleSince: 0 }

/** Takes in one change of a run; costs what changed. */
export function foldWaveTimes(times: WaveTimes, before: RolloutRun, change: RunChange): WaveTimes {
  const wave = change.wave ?? before.wave
  let { starts, idle, inFlight, idleSince } = times
  if (typeof change.waveStartedAt === 'number') {
    starts = new Map(starts).set(wave, change.waveStartedAt)
    if (inFlight === 0) idleSince = change.waveStartedAt
  }
  let left = inFlight
  let offered = Infinity
  let ended = 0
  for (const [name, now] of Object.entries(change.clusters ?? {})) {
    const was = isOnItsWay(before.clusters[name])
    const is = isOnItsWay(now)
    if (is && !was && now.state === 'Offered') offered = Math.min(offered, now.offeredAt)
    if (now.state === 'Done') ended = Math.max(ended, now.at)
    inFlight += Number(is) - Number(was)
    left -= Number(was && !is)
  }
  if (left === 0 && offered < Infinity) {
    const since = times.inFlight > 0 ? ended : idleSince
    idle = new Map(idle).set(wave, (idle.get(wave) ?? 0) + Math.max(0, offered - since))
  }
  if (inFlight === 0 && ended > 0) idleSince = ended
  return { starts, idle, inFlight, idleSince }
}

function isOnItsWay(progress: ClusterProgress | undefined): boolean {
  return progress?.state === 'Offered' || progress?.state === 'Soaking'
}
