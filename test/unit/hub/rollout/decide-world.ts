import { digestOf } from '@groundswell/proto/digest.ts'
import type { ManifestObjects } from '../../../../hub/bundle/stored-manifest.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import { resolveTargets } from '../../../../hub/fleet/resolve/resolve.ts'
import { putAssignment } from '../../../../hub/ledger/by-application.ts'
import { emptyState, foldEntry } from '../../../../hub/ledger/replay.ts'
import type { Contents } from '../../../../hub/render/contents.ts'
import type { CreateOptions, Rollouts } from '../../../../hub/rollout/advance/advance.ts'
import { createDeciding, type DecideDeps } from '../../../../hub/rollout/decide/decide.ts'
import { createRun } from '../../../../hub/rollout/plan/plan.ts'
import type { Content, RolloutPlan } from '../../../../hub/rollout/rollout.ts'
import { enrol } from '../status/known-world.ts'
import { good } from './world.ts'

/* What is decided on: a fleet, what it renders to, and a ledger that says what runs. */

export const fleetRevision = `main@sha1:${'f'.repeat(40)}`

/** A fleet of clusters and applications that run everywhere, unless `spec` says otherwise. */
export function fleetOf(
  clusters: readonly string[],
  applications: Readonly<Record<string, string>>,
): Fleet {
  const api = 'apiVersion: groundswell.dev/v1alpha1'
  const documents = [
    ...clusters.map((text) => {
      const [name, spec = '{}'] = text.split('/')
      return `${api}\nkind: Cluster\nmetadata: { name: ${name} }\nspec: ${spec}\n`
    }),
    ...Object.entries(applications).map(
      ([name, spec]) =>
        `${api}\nkind: Application\nmetadata: { name: ${name} }\nspec: { source: { path: ${name} }, targets: [{ clusterSelector: {} }]${spec} }\n`,
    ),
  ]
  return loadFleet(fleetRevision, [
    { path: 'fleet.yaml', bytes: Buffer.from(documents.join('---\n')) },
  ])
}

/** What rendering that fleet gives: the same content everywhere; `failed` applications are left out. */
export function contentsOf(
  fleet: Fleet,
  content: Content = good,
  failed: readonly string[] = [],
): Contents {
  const { targets, skipped } = resolveTargets(fleet)
  const applications = new Map(
    [...fleet.applications.keys()]
      .filter((name) => !failed.includes(name))
      .map((name) => {
        const mine = targets.filter(({ application }) => application === name)
        return [name, new Map(mine.map(({ cluster }) => [cluster, content]))] as const
      }),
  )
  const left = new Map<string, Set<string>>()
  for (const { application, cluster } of skipped) {
    left.set(application, (left.get(application) ?? new Set()).add(cluster))
  }
  const faults = failed.map((name) => ({ object: `Application ${name}`, message: 'broken' }))
  return { applications, faults, warnings: [], skipped: left }
}

export function objects(rest: Partial<ManifestObjects> = {}): ManifestObjects {
  return { deletionPolicy: 'Delete', fingerprint: '', spellings: new Set(), places: [], ...rest }
}

export function createWorld(
  enrolled: readonly string[] = ['a', 'b', 'c'],
  rest: Partial<DecideDeps> = {},
) {
  const state = emptyState()
  enrol(state, ...enrolled)
  const created: ({ plan: RolloutPlan } & CreateOptions)[] = []
  const acted: [string, string][] = []
  const rollouts: Pick<Rollouts, 'create' | 'act'> = {
    async create(plan: RolloutPlan, options: CreateOptions) {
      created.push({ plan, ...options })
      return { plan, run: createRun(plan) }
    },
    async act(id, action) {
      acted.push([id, action.kind])
      return { plan: state.plans.get(id)!, run: state.runs.get(id)! }
    },
  }
  const released: string[] = []
  let ids = 0
  const deciding = createDeciding({
    state,
    rollouts,
    connected: () => true,
    authors: async () => [],
    describe: async () => ({ author: 'Ada', subject: 'Make it better' }),
    objectsOf: async () => objects(),
    async record(decision) {
      if (decision.type === 'hold.released') released.push(decision.application)
      foldEntry(state, { index: 0, previous: digestOf(''), at: 0, actor: 'git', decision })
    },
    offlineGrace: 30_000,
    clock: () => 42,
    newId: () => `r${(ids += 1)}`,
    ...rest,
  })
  return {
    state,
    deciding,
    created,
    acted,
    released,
    assign(application: string, content: Content, ...clusters: string[]) {
      for (const cluster of clusters) {
        putAssignment(state, { ...content, cluster, application, generation: 1, rollout: 'r0' })
      }
    },
    summary: () =>
      created.map(({ plan, start }) => [
        plan.application,
        Object.entries(plan.targets)
          .map(([name, { digest }]) => (digest ? name : `-${name}`))
          .join(' '),
        start,
      ]),
  }
}
