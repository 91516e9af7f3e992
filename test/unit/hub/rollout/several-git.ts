import { digestOf } from '@groundswell/proto/digest.ts'
import type { ManifestObjects } from '../../../../hub/bundle/stored-manifest.ts'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import type { MetricTemplateSpec } from '../../../../hub/fleet/kinds/metric-template.ts'
import type { RolloutStrategySpec } from '../../../../hub/fleet/kinds/rollout-strategy.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import { resolveTargets } from '../../../../hub/fleet/resolve/resolve.ts'
import type { Contents } from '../../../../hub/render/contents.ts'
import type { Content } from '../../../../hub/rollout/rollout.ts'
import { fleetRevision, objects } from './decide-world.ts'

/* What Git says of several applications: which clusters get what, in which waves, after whom, and when. */

export const clusters = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5'] as const
export const applications = ['db', 'queue', 'shop', 'web'] as const
export type Cluster = (typeof clusters)[number]
export type Application = (typeof applications)[number]

export interface Declared {
  readonly version: number
  /** Clusters that are to have another version. */
  readonly overrides: Readonly<Partial<Record<Cluster, number>>>
  readonly dependsOn: readonly Application[]
  readonly strategy: RolloutStrategySpec
  readonly excluded: readonly Cluster[]
  /** It cannot be rendered. */
  readonly broken?: true
}

/** Even and odd minutes, of all clusters, of one ring, or for one application only. */
export interface Window {
  readonly kind: 'allow' | 'deny'
  readonly odd: boolean
  readonly group: 'all' | 'ones' | 'twos'
  readonly application?: Application
}

export interface Git {
  readonly declared: Readonly<Partial<Record<Application, Declared>>>
  /** Clusters of ring `two`. */
  readonly second: readonly Cluster[]
  readonly suspended: readonly Cluster[]
  readonly windows: readonly Window[]
  /** By object: whose it is to be. */
  readonly owners: readonly Application[]
}

const api = 'apiVersion: groundswell.dev/v1alpha1'
const metricTemplate: MetricTemplateSpec = {
  ...{ provider: { type: 'prometheus', address: 'https://p.example' }, query: 'up', per: 'wave' },
  ...{ success: { max: 1 }, count: 2, failureLimit: 1, interval: '1s' },
}
export const metrics = new Map([['m', { spec: metricTemplate }]])
const groups = {
  all: {},
  ones: { matchLabels: { ring: 'one' } },
  twos: { matchLabels: { ring: 'two' } },
}

function readFleet(git: Git): Fleet {
  const declare = (kind: string, name: string, spec: object, labels = {}): string =>
    `${api}\nkind: ${kind}\nmetadata: ${JSON.stringify({ name, labels })}\nspec: ${JSON.stringify(spec)}\n`
  const documents = [
    ...clusters.map((name) => {
      const ring = git.second.includes(name) ? 'two' : 'one'
      return declare('Cluster', name, { suspend: git.suspended.includes(name) }, { ring })
    }),
    ...Object.entries(groups).map(([name, selector]) => {
      const windows = git.windows
        .filter(({ group }) => group === name)
        .map(({ kind, odd, application }) => ({
          ...{ kind, schedule: odd ? '1-59/2 * * * *' : '*/2 * * * *', duration: '1m' },
          ...(application && { applications: [application] }),
        }))
      return declare('ClusterGroup', name, { selector, ...(windows.length > 0 && { windows }) })
    }),
    declare('MetricTemplate', 'm', metricTemplate),
    ...Object.entries(git.declared).map(([name, one]) =>
      declare('Application', name, {
        source: { path: name },
        rollout: one.strategy,
        targets: [{ clusters: clusters.filter((cluster) => !one.excluded.includes(cluster)) }],
        ...(one.dependsOn.length > 0 && { dependsOn: one.dependsOn.map((on) => ({ name: on })) }),
      }),
    ),
  ]
  return loadFleet(fleetRevision, [
    { path: 'fleet.yaml', bytes: Buffer.from(documents.join('---\n')) },
  ])
}

const readings = new WeakMap<Git, { readonly fleet: Fleet; readonly contents: Contents }>()

/**
 * What is declared, and what it renders to.
 *
 * @throws HubError with every fault, such as applications that wait for each other
 */
export function read(git: Git): { readonly fleet: Fleet; readonly contents: Contents } {
  const known = readings.get(git)
  if (known) return known
  const fleet = readFleet(git)
  const made = { fleet, contents: render(git, fleet) }
  readings.set(git, made)
  return made
}

const objectsByDigest = new Map<string, ManifestObjects>()

/** What applications are to have on clusters, each with the objects that are its. */
function render(git: Git, fleet: Fleet): Contents {
  const { targets, skipped } = resolveTargets(fleet)
  const made = new Map<string, Map<string, Content>>()
  const faults = []
  for (const name of fleet.applications.keys()) {
    if (git.declared[name as Application]?.broken) {
      faults.push({ object: `Application ${name}`, message: 'broken' })
    } else made.set(name, new Map())
  }
  for (const { application, cluster } of targets) {
    made
      .get(application)
      ?.set(cluster, contentOf(git, application as Application, cluster as Cluster))
  }
  const left = new Map<string, Set<string>>()
  for (const { application, cluster } of skipped) {
    left.set(application, (left.get(application) ?? new Set()).add(cluster))
  }
  return { applications: made, faults, warnings: [], skipped: left }
}

function contentOf(git: Git, application: Application, cluster: Cluster): Content {
  const { version, overrides } = git.declared[application]!
  const mine = git.owners.flatMap((owner, at) => (owner === application ? [at] : []))
  const text = `${application} ${overrides[cluster] ?? version} ${mine.join(' ')}`
  const digest = digestOf(text)
  const ids = mine.map((at) => `/ConfigMap/n/o${at}`)
  const fingerprint = `${application} ${ids.join(' ')}`
  objectsByDigest.set(digest, objects({ fingerprint, spellings: new Set(ids), places: ids }))
  return { digest, size: 1, revision: text }
}

export const objectsOf = (digest: string): ManifestObjects => objectsByDigest.get(digest)!

/** Whether a window of Git keeps everything back at a time, in milliseconds: said anew, by minutes. */
export function isShut(git: Git, application: Application, cluster: Cluster, at: number): boolean {
  const ring = git.second.includes(cluster) ? 'twos' : 'ones'
  const mine = git.windows.filter(
    ({ group, application: only }) =>
      (group === 'all' || group === ring) && (only === undefined || only === application),
  )
  const isOpen = ({ odd }: Window): boolean => (Math.floor(at / 60_000) % 2 === 1) === odd
  if (mine.some((one) => one.kind === 'deny' && isOpen(one))) return true
  const allowing = Map.groupBy(
    mine.filter(({ kind }) => kind === 'allow'),
    ({ group }) => group,
  )
  return [...allowing.values()].some((all) => !all.some(isOpen))
}
