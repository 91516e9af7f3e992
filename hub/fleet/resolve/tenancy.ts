import { posix } from 'node:path'
import { matchesAnyGlob, matchesGlob } from '@groundswell/proto/glob.ts'
import type { Scope } from '@groundswell/proto/scope.ts'
import type { Fault } from '../../errors.ts'
import type { Declared, Fleet } from '../fleet.ts'
import type { ApplicationSpec } from '../kinds/application.ts'
import type { ClusterSpec } from '../kinds/cluster.ts'
import type { Path } from '../kinds/names.ts'
import type { ProjectSource, ProjectSpec } from '../kinds/project.ts'
import type { ResolvedTarget } from './resolve.ts'
import { locateValuesFile } from '../input/values-file.ts'
import { matchesTarget } from './matches-target.ts'

type Project = Declared<ProjectSpec>

/** The Project that limits an application: the one it names, else `default` where there is one. */
export function projectOf(
  fleet: Pick<Fleet, 'projects'>,
  spec: ApplicationSpec,
): Project | undefined {
  return fleet.projects.get(projectNameOf(spec))
}

/** What the Project of an application is called, whether there is one of that name or not. */
export function projectNameOf({ project }: Pick<ApplicationSpec, 'project'>): string {
  return project ?? 'default'
}

/** What of an application's source its Project does not allow; the path is within the document. */
export function findSourceFaults(
  fleet: Fleet,
  spec: ApplicationSpec,
): { path: Path; message: string }[] {
  const project = projectOf(fleet, spec)
  if (!project) return []
  const { repository = 'fleet', path } = spec.source
  const { repo } = spec.source.helm ?? {}
  const refusal = repo === undefined ? undefined : whyChartsRefused(chartSourcesOf(project), repo)
  if (refusal !== undefined) {
    return [{ path: ['spec', 'source', 'helm', 'repo'], message: refusal }]
  }
  const from = sourcesOf(project, fleet, repository)
  if (from.length === 0) {
    const at = spec.source.repository === undefined ? [] : ['repository']
    const message = `Project ${project.name} does not allow the repository "${repository}"`
    return [{ path: ['spec', 'source', ...at], message }]
  }
  const { signers } = project.spec.signatures ?? {}
  const verified = fleet.repositories.get(repository)?.spec.verify?.signers
  if (signers !== undefined && repository !== 'fleet' && verified !== signers) {
    const message = `Project ${project.name} takes only what "${signers}" signed; give Repository ${repository} \`verify.signers: ${signers}\``
    return [{ path: ['spec', 'source', 'repository'], message }]
  }
  const refused = (spec.source.kustomize?.bases ?? []).flatMap((name, index) => {
    const isAllowed = sourcesOf(project, fleet, name).some(({ paths }) => !paths)
    const signed = fleet.repositories.get(name)?.spec.verify?.signers
    if (isAllowed && (signers === undefined || signed === signers)) return []
    const message = isAllowed
      ? `Project ${project.name} takes only what "${signers}" signed; give Repository ${name} \`verify.signers: ${signers}\``
      : `Project ${project.name} does not allow bases of the repository "${name}"; allow all of it in \`sources\``
    return [{ path: ['spec', 'source', 'kustomize', 'bases', index], message }]
  })
  if (refused.length > 0) return refused
  if (from.some((source) => allowsPath(source, path))) return []
  const message = `Project ${project.name} does not allow the path "${path}" of the repository "${repository}"; allowed are ${listPaths(from)}`
  return [{ path: ['spec', 'source', 'path'], message }]
}

/** Where a Project's applications may have charts from, which their charts depend on. */
export function chartSourcesOf({
  name,
  spec,
}: Project): NonNullable<ResolvedTarget['chartSources']> {
  return { project: name, urls: spec.sources.flatMap(({ url }) => url ?? []) }
}

/** Why charts of a repository are not allowed; undefined where they are. */
export function whyChartsRefused(
  allowed: ResolvedTarget['chartSources'],
  repo: string,
): string | undefined {
  if (!allowed || matchesAnyGlob(allowed.urls, repo)) return undefined
  return `Project ${allowed.project} does not allow charts of ${repo}; list it in \`sources\` by \`url\``
}

/**
 * Applications that come from the fleet repository itself, though their Project takes only what
 * others signed than those who sign that.
 *
 * @param signers of the fleet repository; undefined where it is not verified
 */
export function findUnsignedFaults(fleet: Fleet, signers: string | undefined): Fault[] {
  return [...fleet.applications.values()].flatMap(({ name, spec, file, line }) => {
    const project = projectOf(fleet, spec)
    const wanted = project?.spec.signatures?.signers
    const isFleets = (spec.source.repository ?? 'fleet') === 'fleet'
    if (!project || wanted === undefined || !isFleets || wanted === signers) return []
    const message = `Project ${project.name} takes only what "${wanted}" signed, and the fleet repository is not verified by them; start the hub with --fleet-signers ${wanted}`
    return [{ file, line, object: `Application ${name}`, message }]
  })
}

/** Why a Project does not allow a values file, by its place in the repository; undefined if it does. */
export function whyValuesFileRefused(
  project: Project,
  fleet: Fleet,
  { repository = 'fleet', path }: ApplicationSpec['source'],
  file: string,
): string | undefined {
  const from = sourcesOf(project, fleet, repository)
  const place = locateValuesFile(path, file)
  if (from.length === 0 || from.some((source) => allowsPath(source, place))) return undefined
  return `Project ${project.name} does not allow the values file "${place}"; allowed are ${listPaths(from)}`
}

/**
 * What a Project's applications may touch on a cluster: the namespaces of all its destinations that
 * pick the cluster, together. Undefined when none does.
 */
export function scopeOn(
  fleet: Fleet,
  { name, spec }: Project,
  cluster: Declared<ClusterSpec>,
): Scope | undefined {
  const here = spec.destinations.filter((destination) => matchesTarget(fleet, destination, cluster))
  if (here.length === 0) return undefined
  const { clusterScoped = {}, namespaced = {} } = spec.kinds ?? {}
  return {
    project: name,
    // Sorted, so that the same limits are the same bytes however they are written.
    namespaces: sortUnique(here.flatMap(({ namespaces }) => namespaces)),
    clusterScoped: {
      allow: sortUnique(clusterScoped.allow ?? []),
      deny: sortUnique(clusterScoped.deny ?? []),
    },
    namespaced: {
      allow: sortUnique(namespaced.allow ?? ['*']),
      deny: sortUnique(namespaced.deny ?? []),
    },
  }
}

function sourcesOf({ spec }: Project, fleet: Fleet, repository: string): ProjectSource[] {
  const url = fleet.repositories.get(repository)?.spec.url
  return spec.sources.filter((source) =>
    source.repository !== undefined
      ? matchesGlob(source.repository, repository)
      : url !== undefined && matchesGlob(source.url ?? '', url),
  )
}

/** A path is in when it matches, or when a directory it is below does. */
function allowsPath({ paths }: ProjectSource, path: string): boolean {
  const clean = posix.normalize(path).replace(/\/$/, '')
  if (!paths) return true
  const whole = paths.map((pattern) => posix.normalize(pattern).replace(/\/$/, ''))
  return matchesAnyGlob([...whole, ...whole.map((pattern) => `${pattern}/**`)], clean)
}

function listPaths(sources: readonly ProjectSource[]): string {
  return sources.flatMap(({ paths = [] }) => paths).join(', ')
}

function sortUnique(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort()
}
