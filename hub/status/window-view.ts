import { formatSelector } from '../api/selector.ts'
import type { WindowView } from '../api/survey-view.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { listDeclaredWindows } from '../rollout/withhold/fleet-windows.ts'
import { findOpening } from '../rollout/withhold/opening.ts'

/** Windows as people are told of them, from the `from`th on. Whether each is open is only asked when it is come to. */
export function* viewWindows(fleet: Fleet, from: number, now: number): Generator<WindowView> {
  let at = 0
  for (const { ownerKind, owner, window } of listDeclaredWindows(fleet)) {
    at += 1
    if (at <= from) continue
    const { open, until, isCut } = findOpening(window, now)
    const { clusters, clusterGroup, clusterSelector } = window
    yield {
      ...{ ownerKind, owner, open },
      until: until === null || isCut ? null : new Date(until).toISOString(),
      ...{ kind: window.kind, schedule: window.schedule, duration: window.duration },
      timeZone: window.timeZone ?? 'UTC',
      applications: [...(window.applications ?? [])],
      clusters: [...(clusters ?? [])],
      clusterGroup: clusterGroup ?? null,
      clusterSelector: (clusterSelector && formatSelector(clusterSelector)) || null,
      reason: window.reason ?? '',
    }
  }
}
