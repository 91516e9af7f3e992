import type { StatusStore } from './redis.ts'
import { unknownCluster } from './fold.ts'
import type { ClusterStatus } from './status.ts'

export interface StatusesDeps {
  readonly store: StatusStore
  /** Called after each change, with the applications that may be concerned; null for all. */
  readonly onChange: (next: ClusterStatus, before: ClusterStatus) => void
  readonly onError: (error: unknown) => void
  /** Calls back after `ms`; given in, so that tests own time. */
  readonly later: (ms: number, run: () => void) => void
}

/** Writes to the store are batched: one a cluster for all changes within this time. */
const saveGapMs = 1_000

/**
 * What is known of every cluster: in memory for the hub's decisions, saved behind. Nothing read
 * back from the store counts as connected: only a live stream does.
 */
export function createStatuses(deps: StatusesDeps) {
  const statuses = new Map<string, ClusterStatus>()
  const dirty = new Set<string>()
  let saving = false

  function get(cluster: string): ClusterStatus {
    return statuses.get(cluster) ?? unknownCluster(cluster)
  }

  function update(cluster: string, change: (status: ClusterStatus) => ClusterStatus): void {
    const before = get(cluster)
    const next = change(before)
    statuses.set(cluster, next)
    dirty.add(cluster)
    scheduleSave()
    deps.onChange(next, before)
  }

  function scheduleSave(): void {
    if (saving) return
    saving = true
    deps.later(saveGapMs, () => {
      saving = false
      save().catch(deps.onError)
    })
  }

  async function save(): Promise<void> {
    const names = [...dirty]
    dirty.clear()
    try {
      await deps.store.save(names.map(get))
    } catch (error) {
      for (const name of names) dirty.add(name)
      scheduleSave()
      throw error
    }
  }

  /** Reads what was saved, as of `now`; whoever was heard meanwhile is not put back. */
  async function load(now: number): Promise<void> {
    for (const status of await deps.store.load(now)) {
      if (!statuses.has(status.cluster)) statuses.set(status.cluster, status)
    }
  }

  /** Marks everything to be written again, after the store was lost. */
  async function saveAll(): Promise<void> {
    for (const name of statuses.keys()) dirty.add(name)
    await save()
  }

  return { get, update, load, save, saveAll, all: () => [...statuses.values()] }
}

export type Statuses = ReturnType<typeof createStatuses>
