import assert from 'node:assert/strict'
import { digestOf } from '@groundswell/proto/digest.ts'
import { planRollout } from '../../../../hub/rollout/plan/plan.ts'
import { finalPhases } from '../../../../hub/rollout/rollout.ts'
import {
  type Application,
  applications,
  type Cluster,
  clusters,
  type Declared,
  type Git,
  metrics,
} from './several-git.ts'
import type { SeveralHub } from './several-world.ts'

/* All are there and well, nothing is frozen, and people open and resume what waits for them: all that Git says
   arrives, but for what somebody took back; and that as well, once somebody starts it. */

const plain = { waves: [{ name: 'all', selector: {} }] }

/** What Git says, with nothing in its way any more. */
function open(git: Git): Git {
  const declared = Object.entries(git.declared).map(([name, one]) => {
    const { broken: _, ...rest } = one
    const excluded = rest.excluded.length === clusters.length ? [] : rest.excluded
    return [name, { ...rest, excluded, ...(!isPlannable(git, rest) && { strategy: plain }) }]
  })
  return { ...git, declared: Object.fromEntries(declared), suspended: [], windows: [] }
}

/** Whether each cluster is in one wave. */
function isPlannable({ second }: Git, { strategy }: Declared): boolean {
  const content = { digest: digestOf('any'), size: 1, revision: '', previous: null }
  try {
    planRollout({
      ...{ id: '', application: '', revision: '', now: 0, strategy },
      targets: Object.fromEntries(clusters.map((name) => [name, content])),
      clusters: Object.fromEntries(
        clusters.map((name) => {
          const ring = second.includes(name) ? 'two' : 'one'
          return [name, { labels: { ring }, groups: ['all', `${ring}s`] }]
        }),
      ),
      gates: { metrics },
      trigger: { kind: 'commit', actor: '', reason: '' },
    })
    return true
  } catch {
    return false
  }
}

export async function end(world: SeveralHub): Promise<void> {
  world.calm()
  for (const cluster of clusters) {
    await world.perform({ kind: 'enrol', cluster })
    await world.perform({ kind: 'join', cluster })
  }
  await world.settle()
  world.commits.push(open(world.commits.at(-1)!))
  await go(world)
  const plans = [...world.hub.state.plans.values()]
  if (plans.some(({ targets }) => Object.values(targets).some(({ from }) => from))) {
    return endHandovers(world)
  }
  const excused = listMissing(world).filter(([, , why]) => why !== '')
  assert.deepEqual(
    listMissing(world).filter(([, , why]) => why === ''),
    [],
    `all arrives that nobody took back (${excused.join(' ')})`,
  )
  for (let turn = 0; turn < applications.length && listMissing(world).length > 0; turn += 1) {
    for (const application of applications) await world.perform({ kind: 'launch', application })
    await go(world)
  }
  assert.deepEqual(listMissing(world), [], 'all arrives once somebody starts it')
  const active = [...world.hub.state.runs.values()].filter(({ phase }) => !finalPhases.has(phase))
  const waits = await Promise.all(
    active.map(async ({ id }) => `${id}: ${(await world.waitingFor(id)).join()}`),
  )
  assert.deepEqual(waits, [], 'every rollout ends')
}

/**
 * Who waits for whom to let go, over clusters and over what stands in line, may be a circle: people are told of it,
 * and a commit that gives all the same waves, and changes something of each, lets them go.
 */
async function endHandovers(world: SeveralHub): Promise<void> {
  const silent: string[] = []
  for (const [application, cluster, why] of listMissing(world)) {
    if (why === '' && !(await isTold(world, application))) {
      silent.push(`${application} on ${cluster}`)
    }
  }
  assert.deepEqual(silent, [], 'what does not come is told')
  const git = world.commits.at(-1)!
  const declared = Object.entries(git.declared).map(([name, one]) => {
    return [name, { ...one, version: one.version + 4, overrides: {}, strategy: plain }]
  })
  world.commits.push({ ...git, declared: Object.fromEntries(declared) })
  await go(world)
  assert.deepEqual(
    listMissing(world).filter(([, , why]) => why === ''),
    [],
    'all arrives with the same waves',
  )
}

/** Whether people can read why something is not there: of its rollout, or in a fault. */
async function isTold(world: SeveralHub, application: string): Promise<boolean> {
  if (world.faults.some(({ object }) => object === `Application ${application}`)) return true
  const { state } = world.hub
  const ids = [...(state.rolloutsOf.get(application) ?? [])]
  const active = ids.filter((id) => !finalPhases.has(state.runs.get(id)!.phase))
  const words = await Promise.all(active.map((id) => world.waitingFor(id)))
  return words.flat().length > 0
}

/** Everybody does what is asked of them, until nothing moves any more. */
async function go(world: SeveralHub): Promise<void> {
  for (let turn = 0, still = 0; still < 3; turn += 1) {
    assert.ok(turn < 150, 'it moves for ever')
    const before = world.hub.ledger.head
    await world.settle()
    for (const application of applications) {
      const rest = { application, cluster: 'c0' } as const
      for (const action of ['begin', 'retry', 'resume'] as const) {
        await world.perform({ kind: 'act', ...rest, action, actor: 'alice' })
      }
      for (const actor of ['alice', 'bob', 'carol', 'dora']) {
        await world.perform({ kind: 'act', ...rest, action: 'approve', actor })
      }
    }
    await world.perform({ kind: 'goOn', ms: 61_000 })
    await world.settle()
    still = world.hub.ledger.head === before ? still + 1 : 0
  }
}

/** What Git asks and clusters have not; with what excuses it. */
function listMissing(world: SeveralHub): [Application, Cluster, string][] {
  const { state, read } = world.hub
  return applications.flatMap((application) =>
    clusters.flatMap((cluster): [Application, Cluster, string][] => {
      const made = read.contents!.applications.get(application)
      const wanted = made?.get(cluster)?.digest ?? null
      const has = state.assignments.get(cluster)?.get(application)
      const told = world.told(cluster, application)
      const isThere =
        (has?.digest ?? null) === wanted &&
        (!has || (told?.digest === has.digest && told.generation === has.generation))
      return isThere ? [] : [[application, cluster, explain(world, application)]]
    }),
  )
}

/** Why something is not to come by itself: somebody took it back, or what it waits for. */
function explain(
  world: SeveralHub,
  application: string,
  seen: ReadonlySet<string> = new Set(),
): string {
  if (seen.has(application)) return ''
  const { state, read } = world.hub
  const plans = [...(state.rolloutsOf.get(application) ?? [])].map((id) => state.plans.get(id)!)
  const made = read.contents!.applications.get(application)
  for (const cluster of clusters) {
    const wanted = made?.get(cluster)?.digest ?? null
    const takenBack = plans.findLast(({ id, targets }) => {
      const { phase, clusters: all } = state.runs.get(id)!
      const progress = all[cluster]
      if (Object.values(targets).every(({ digest }) => digest !== wanted)) return false
      // What it has already, and failed with, is tried again by a person's word only.
      const has = state.assignments.get(cluster)?.get(application)?.digest
      if (has !== wanted && state.overruled.get(id)?.has(cluster)) return false
      if (phase === 'Aborted' || phase === 'RolledBack') return true
      return (
        targets[cluster]?.digest === wanted &&
        progress?.state === 'Done' &&
        progress.outcome !== 'Succeeded'
      )
    })
    if (takenBack) return `${takenBack.id} of ${application} was taken back`
  }
  if (state.holds.has(application)) return `${application} is on hold`
  const firsts = world.commits.at(-1)!.declared[application as Application]?.dependsOn ?? []
  const givers = plans.flatMap(({ targets }) =>
    Object.values(targets).flatMap(({ from }) => Object.keys(from ?? {})),
  )
  const further = new Set([...seen, application])
  return (
    [...firsts, ...givers].map((name) => explain(world, name, further)).find((why) => why !== '') ??
    ''
  )
}
