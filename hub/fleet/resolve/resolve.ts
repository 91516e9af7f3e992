import type { Dependency } from '@groundswell/proto/manifest.ts'
import { allowsNamespace, type Scope, whyNamespaceRefused } from '@groundswell/proto/scope.ts'
import { type FleetFacts, knowCluster } from './cluster-facts.ts'
import type { Declared, Fleet } from '../fleet.ts'
import type { ChartReference } from '../../source/chart/chart.ts'
import type { ApplicationSpec, ApplicationTarget } from '../kinds/application.ts'
import type { ClusterSpec } from '../kinds/cluster.ts'
import type { Patch } from '../kinds/patch.ts'
import { matchesTarget } from './matches-target.ts'
import { mergeValues } from './merge-values.ts'
import { fillTemplate, type TemplateFault } from './template.ts'
import { chartSourcesOf, projectOf, scopeOn, whyValuesFileRefused } from './tenancy.ts'

/** What one application should be on one cluster, before anything is read from its repository. */
export interface ResolvedTarget {
  readonly application: string
  readonly cluster: string
  /** Index of the target that matched first. */
  readonly target: number
  readonly targetName: string
  /** Name of the Repository, or `fleet` for the fleet repository itself. */
  readonly repository: string
  /** Directory within the repository. */
  readonly path: string
  /** Undefined: told from the files. */
  readonly kind: 'directory' | 'kustomize' | 'helm' | undefined
  readonly directory: NonNullable<ApplicationSpec['source']['directory']>
  /** Names of Repositories that its kustomizations may take bases of. */
  readonly bases: readonly string[]
  readonly releaseName: string
  /** Where dependencies of its chart may be fetched from; absent where no Project limits that. */
  readonly chartSources?: { readonly project: string; readonly urls: readonly string[] }
  /** What dependencies of a chart in Git are fetched with. */
  readonly dependencyCredential?: string
  /** Where the chart is fetched, when it is none of the repository's. */
  readonly chart?: ChartReference
  /** What charts see of the cluster; empty for what the engine takes by itself. */
  readonly kubernetesVersion: string
  readonly apiVersions: readonly string[]
  /** The versions are all it serves, not something beside the usual. */
  readonly served: boolean
  /** Kubernetes as policies judge by it; empty where nobody said. */
  readonly judgedVersion: string
  /** Target over application, cluster's labels filled in. */
  readonly values: Readonly<Record<string, unknown>>
  /** As written: relative to `path`, or to the repository's root with a leading slash. */
  readonly valuesFiles: readonly string[]
  readonly patches: readonly Patch[]
  /** Empty: every object names its own. */
  readonly namespace: string
  readonly createNamespace: boolean
  /** What its objects are held to; absent where no Project limits the application. */
  readonly scope?: Scope
  /** Of the applications it depends on, those that go to this cluster, too. */
  readonly dependsOn?: readonly Dependency[]
}

/** Left out, and why, so that it can be said. */
export interface SkippedTarget {
  readonly application: string
  readonly cluster: string
  readonly reason: 'applicationSuspended' | 'clusterSuspended' | 'repositorySuspended' | 'excluded'
}

/** What is wrong for one cluster; `path` is within the Application's document. */
export interface ResolveFault {
  readonly application: string
  readonly cluster: string
  readonly path: readonly (string | number)[]
  readonly message: string
}

export interface Resolution {
  /** By application, then by cluster, both by name. */
  readonly targets: readonly ResolvedTarget[]
  readonly skipped: readonly SkippedTarget[]
  /** In a fleet that `loadFleet` returned, only of facts that no agent has reported yet. */
  readonly faults: readonly ResolveFault[]
}

/**
 * Every application on every cluster its targets pick. The first matching target decides.
 *
 * @param facts what agents reported; without, it is about the configuration alone, and what only an
 *   agent can say is left as it is written
 */
export function resolveTargets(fleet: Fleet, facts?: FleetFacts): Resolution {
  const targets: ResolvedTarget[] = []
  const skipped: SkippedTarget[] = []
  const faults: ResolveFault[] = []
  const clusters = byName(fleet.clusters.values())
  for (const application of byName(fleet.applications.values())) {
    for (const cluster of clusters) {
      const index = application.spec.targets.findIndex((target) =>
        matchesTarget(fleet, target, cluster),
      )
      const target = application.spec.targets[index]
      if (!target) continue
      const names = { application: application.name, cluster: cluster.name }
      const reason = whySkipped(fleet, application, cluster, target)
      // Suspended ones are checked all the same, so that taking up again brings no surprise.
      const resolved = resolveTarget({ fleet, facts }, application, cluster, index, faults)
      if (reason) skipped.push({ ...names, reason })
      else targets.push(resolved)
    }
  }
  return { targets, skipped, faults }
}

/** Why Git itself leaves an application out on a cluster that one of its targets picks. */
export function whySkipped(
  fleet: Fleet,
  { spec }: Declared<ApplicationSpec>,
  cluster: Declared<ClusterSpec>,
  target: ApplicationTarget,
): SkippedTarget['reason'] | undefined {
  if (target.exclude) return 'excluded'
  if (spec.suspend) return 'applicationSuspended'
  if (cluster.spec.suspend) return 'clusterSuspended'
  const repository = spec.source.repository
  if (repository !== undefined && fleet.repositories.get(repository)?.spec.suspend) {
    return 'repositorySuspended'
  }
  return undefined
}

function resolveTarget(
  { fleet, facts }: { readonly fleet: Fleet; readonly facts: FleetFacts | undefined },
  { name, spec }: Declared<ApplicationSpec>,
  cluster: Declared<ClusterSpec>,
  index: number,
  faults: ResolveFault[],
): ResolvedTarget {
  const target = spec.targets[index]!
  const { source } = spec
  const own = ['spec', 'targets', index]
  const known = knowCluster(cluster.spec, facts?.get(cluster.name))
  const told = { ...cluster, version: known.plainVersion ?? (facts ? null : undefined) }
  const fill = <T>(value: T, path: readonly (string | number)[]): T => {
    const found: TemplateFault[] = []
    const filled = fillTemplate(value, told, found)
    for (const fault of found) {
      faults.push({
        application: name,
        cluster: cluster.name,
        path: [...path, ...fault.path],
        message: fault.message,
      })
    }
    return filled
  }

  const helm = source.helm ?? {}
  const inTarget = target.namespace !== undefined
  const namespacePath = inTarget ? [...own, 'namespace'] : ['spec', 'targetNamespace']
  const namespace = fill(target.namespace ?? spec.targetNamespace ?? '', namespacePath)
  if (!isOpen(namespace) && !isName(namespace)) {
    faults.push({
      application: name,
      cluster: cluster.name,
      path: namespacePath,
      message: `namespace "${namespace}" is not an RFC 1123 label`,
    })
  }
  const releasePath = ['spec', 'source', 'helm', 'releaseName']
  const releaseName = fill(helm.releaseName ?? name, releasePath)
  if (!isOpen(releaseName) && !isName(releaseName)) {
    faults.push({
      application: name,
      cluster: cluster.name,
      path: releasePath,
      message: `release name "${releaseName}" is not an RFC 1123 label`,
    })
  }
  const valuesFiles = [
    ...fill(helm.valuesFiles ?? [], ['spec', 'source', 'helm', 'valuesFiles']),
    ...fill(target.valuesFiles ?? [], [...own, 'valuesFiles']),
  ]
  const resolved = { application: name, cluster: cluster.name, namespace, valuesFiles }
  const project = target.exclude ? undefined : projectOf(fleet, spec)
  const scope = project && scopeOn(fleet, project, cluster)
  if (project) {
    const refuse = (path: readonly (string | number)[], message: string) =>
      faults.push({ application: name, cluster: cluster.name, path, message })
    const ownFiles = valuesFiles.length - (target.valuesFiles?.length ?? 0)
    if (!scope) refuse(own, `Project ${project.name} does not allow this cluster`)
    else if (!isOpen(namespace) && !allowsNamespace(scope, namespace)) {
      refuse(namespacePath, whyNamespaceRefused(scope, namespace))
    }
    valuesFiles.forEach((file, at) => {
      const wrong = whyValuesFileRefused(project, fleet, source, file)
      const inSource = ['spec', 'source', 'helm', 'valuesFiles', at]
      if (wrong) refuse(at < ownFiles ? inSource : [...own, 'valuesFiles', at - ownFiles], wrong)
    })
  }
  return {
    ...resolved,
    target: index,
    targetName: target.name ?? `targets[${index}]`,
    repository: source.repository ?? 'fleet',
    path: source.path,
    kind: explicitKind(source),
    directory: source.directory ?? {},
    bases: source.kustomize?.bases ?? [],
    releaseName,
    ...chartOf(helm),
    kubernetesVersion: known.kubernetesVersion,
    apiVersions: known.apiVersions,
    served: known.served,
    judgedVersion: known.judgedVersion,
    values: mergeValues(
      fill(helm.values ?? {}, ['spec', 'source', 'helm', 'values']),
      fill(target.values ?? {}, [...own, 'values']),
    ),
    patches: fill(target.patches ?? [], [...own, 'patches']),
    createNamespace: spec.createNamespace ?? false,
    ...(project && { chartSources: chartSourcesOf(project) }),
    ...(scope && { scope }),
    ...dependenciesOn(fleet, spec, cluster),
  }
}

/** What an application depends on where both go; elsewhere there is nothing to wait for. */
export function dependenciesOn(
  fleet: Fleet,
  spec: ApplicationSpec,
  cluster: Declared<ClusterSpec>,
): Pick<ResolvedTarget, 'dependsOn'> {
  const here = (spec.dependsOn ?? []).filter(({ name }) => {
    const targets = fleet.applications.get(name)?.spec.targets ?? []
    const first = targets.find((target) => matchesTarget(fleet, target, cluster))
    return first !== undefined && !first.exclude
  })
  return here.length > 0 ? { dependsOn: here } : {}
}

function chartOf({
  repo,
  chart,
  version,
  credential,
}: NonNullable<ApplicationSpec['source']['helm']>): Pick<
  ResolvedTarget,
  'chart' | 'dependencyCredential'
> {
  if (repo === undefined || chart === undefined || version === undefined) {
    return credential === undefined ? {} : { dependencyCredential: credential }
  }
  return { chart: { repo, chart, version, ...(credential === undefined ? {} : { credential }) } }
}

function explicitKind(source: ApplicationSpec['source']): ResolvedTarget['kind'] {
  if (source.helm) return 'helm'
  if (source.kustomize) return 'kustomize'
  return source.directory ? 'directory' : undefined
}

/** Left to the objects, or to what is not known yet. */
function isOpen(namespace: string): boolean {
  return namespace === '' || namespace.includes('${')
}

function isName(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)
}

function byName<T extends { readonly name: string }>(items: Iterable<T>): T[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1))
}
