import { systemClock } from '../../../agent/cluster/clock.ts'
import type { Cluster } from '../../../agent/cluster/port.ts'
import { formatObjectId } from '@groundswell/proto/object-id.ts'
import type { SigningKey } from '../../../hub/bundle/sign.ts'
import { changeDesired, configNames } from '../changing-desired.ts'
import {
  type CrashWorld,
  type CrashWorldOptions,
  crashPoints,
  createCrashWorld,
  type Life,
} from '../crash-world.ts'
import { idOfName, toLiveConfig } from '../desired-objects.ts'
import type { Storm } from '../faulty-cluster.ts'
import {
  createMemoryCluster,
  type MemoryCluster,
  type MemoryClusterOptions,
  settleAtOnce,
} from '../memory-cluster.ts'
import { assertOracle, type Desired, type LiveConfig } from '../oracle.ts'
import type { Seed } from '../seed.ts'
import { until } from '../until.ts'

const commits = 3
/** How long a storm goes on over an agent that has tried everything. */
const longestMs = 500
const namespace = 'shop'
/** Waits of the agent, such as those between tries, are this much shorter. */
const haste = 20
const clock = {
  now: () => performance.now() * haste,
  sleep: (ms: number, signal: AbortSignal) => systemClock.sleep(ms / haste, signal),
}
const soon = { deadlineMs: 30_000, intervalMs: 5 } as const

/** What a fault is made with. */
export interface Stage {
  readonly seed: Seed
  readonly storm: Storm
  readonly cluster: MemoryCluster
  readonly key: SigningKey
}

/** A kind of fault, and what it does at which time of a play. */
export interface Fault extends Pick<CrashWorldOptions, 'disk' | 'wall' | 'trust' | 'content'> {
  /** What is wanted besides from the beginning. Its names are the fault's own to take away. */
  readonly wants?: Desired
  /** Applications that are there though nothing of theirs may be. */
  readonly stays?: readonly string[]
  /** What the agent has in the place of its API server. */
  readonly over?: (cluster: Cluster) => Cluster
  /** What a commit wants besides. */
  readonly change?: (desired: Desired) => Desired
  /** After a commit, before the agent that meets it starts. */
  readonly begin?: (play: Play) => void
  /** When the storm is over and the agent lives: looks whether it waits as it should, and lifts the fault. */
  readonly calm?: (play: Play, life: Life) => Promise<void>
  readonly stop?: () => void
}

export interface FaultKind {
  (stage: Stage): Fault
  /** Settles objects that its cluster stores. */
  readonly settle?: MemoryClusterOptions['settle']
}

export interface Play extends Stage {
  readonly world: CrashWorld
  desired: Desired
  /** @param confirmed whether a person has confirmed all deletions */
  commit(desired: Desired, confirmed?: boolean): Promise<void>
  /** Objects that others have deleted, so that they are made anew. */
  readonly remade: Set<string>
  /** What nobody remembers any more, which is nobody's to delete. */
  readonly forgotten: Set<string>
  start(): Life
  readAll(): LiveConfig[]
  /** Until what is wanted is there, whatever else is. */
  untilWanted(): Promise<void>
}

/**
 * Commits one after another, each met by a storm of faults of some kinds, in which the agent may die;
 * then the oracle looks. Returns how many faults there were.
 */
export async function playStorm(
  seed: Seed,
  key: SigningKey,
  kinds: readonly FaultKind[],
): Promise<number> {
  const settle = kinds.find((kind) => kind.settle)?.settle ?? settleAtOnce
  const cluster = createMemoryCluster({ settle })
  const storm: Storm = { on: false, faults: 0 }
  const stage = { seed, storm, cluster, key }
  const faults = kinds.map((kind) => kind(stage))
  const over = faults.reduce<Cluster>((under, fault) => fault.over?.(under) ?? under, cluster)
  const options: CrashWorldOptions = Object.assign({ clock }, ...faults.map(worldOptions))
  const world = createCrashWorld(over, key, namespace, options)
  const lives: Life[] = []
  // An agent that never comes to rest would keep the test's process from ending.
  await using _ = {
    async [Symbol.asyncDispose]() {
      storm.on = false
      for (const fault of faults) fault.stop?.()
      for (const life of lives) await life.kill()
    },
  }
  const start = (...dies: Parameters<typeof world.start>): Life => {
    const life = world.start(...dies)
    lives.push(life)
    return life
  }
  const own = new Map(faults.flatMap((fault) => [...(fault.wants ?? [])]))
  const stays = faults.flatMap((fault) => fault.stays ?? [])
  const readAll = (): LiveConfig[] =>
    [...configNames, ...own.keys()].flatMap((name) => {
      const live = cluster.read(formatObjectId(idOfName(name, namespace)))
      return live ? [toLiveConfig(name, live)] : []
    })
  const play: Play = {
    ...{ ...stage, world, start, readAll, remade: new Set(), forgotten: new Set() },
    commit: (desired, confirmed = false) => {
      play.desired = desired
      return world.commit(desired, { confirmed, stays })
    },
    desired: new Map([
      ...configNames.slice(0, 6).map((name, n) => [name, first(n)] as const),
      ...own,
    ]),
    async untilWanted() {
      await until(() => isThere(play.desired, readAll()), { ...soon, what: 'what is wanted' })
    },
  }
  await play.commit(play.desired)
  const begin = start()
  await begin.inSync()
  await begin.kill()
  const uids = new Map(readAll().map(({ name, uid }) => [name, uid]))
  for (let n = 0; n < commits; n += 1) {
    const before = play.desired
    const mine = [...before].filter(([name]) => own.has(name))
    const others = new Map([...before].filter(([name]) => !own.has(name)))
    let desired: Desired = new Map([...changeDesired(others, namespace, seed), ...mine])
    for (const fault of faults) desired = fault.change?.(desired) ?? desired
    await play.commit(desired)
    for (const fault of faults) fault.begin?.(play)
    storm.on = true
    const enough = storm.faults + 3 + Math.floor(seed.random() * 10)
    const nth = 1 + Math.floor(seed.random() * 4)
    const point = crashPoints[Math.floor(seed.random() * crashPoints.length)]!
    const life = start(seed.random() < 0.4 ? { point, nth } : undefined)
    const began = performance.now()
    const isOver = () =>
      storm.faults >= enough ||
      life.isInSync() ||
      life.dead ||
      // Where a fault keeps it from ever being in sync.
      (life.tried() !== undefined && performance.now() - began > longestMs)
    await until(isOver, { ...soon, what: 'the storm to be over' })
    storm.on = false
    // It may have died at any time, also after the storm.
    await life.kill()
    const calm = start()
    for (const fault of faults) await fault.calm?.(play, calm)
    await calm.inSync()
    await calm.kill()
    // What an earlier life left is found by the next one.
    const last = start()
    await last.inSync()
    await play.untilWanted()
    await last.kill()
  }
  for (const name of play.remade) uids.delete(name)
  const there = readAll().filter(({ name }) => play.desired.has(name) || !play.forgotten.has(name))
  assertOracle(world.recorded, there, namespace, uids)
  return storm.faults
}

function worldOptions({ disk, wall, trust, content }: Fault): Partial<CrashWorldOptions> {
  return {
    ...(disk && { disk }),
    ...(wall && { wall }),
    ...(trust && { trust }),
    ...(content && { content }),
  }
}

function first(n: number): { application: string; text: string } {
  return { application: `${n % 2 ? 'one' : 'two'}-${namespace}`, text: `${n}` }
}

/** What is wanted is there, and stays so. */
function isThere(desired: Desired, live: readonly LiveConfig[]): boolean {
  const found = new Map(live.map((one) => [one.name, one]))
  return [...desired].every(([name, { text, application, also }]) => {
    const one = found.get(name)
    return (
      one !== undefined &&
      (also !== undefined || (one.text === text && one.application === application))
    )
  })
}
