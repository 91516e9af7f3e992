import { parseDuration } from '@groundswell/proto/duration.ts'
import { HubError } from '../errors.ts'
import { parseAddress } from '../source/address.ts'
import { isRefName } from '../source/ref.ts'
import type { Fleet } from './fleet.ts'
import type {
  ApplicationSpec,
  ApplicationTarget,
  ClusterGroupSpec,
  LabelSelector,
  RepositorySpec,
  RolloutStrategySpec,
  RolloutWave,
} from './kinds.ts'
import { findSelectorFaults } from './selector.ts'
import { suggest } from './suggest.ts'

export type Path = readonly (string | number)[]

/** Tells of a fault at a path within the document. */
export type Report = (path: Path, message: string) => void

/** The maps names are looked up in; a Fleet while it is being made. */
export type Names = Pick<Fleet, 'repositories' | 'clusters' | 'groups' | 'strategies'>

/** What a schema cannot say of a Repository. */
export function checkRepository(spec: RepositorySpec, report: Report): void {
  try {
    parseAddress(spec.url)
  } catch (error) {
    report(['spec', 'url'], error instanceof HubError ? error.message : String(error))
  }
  const ref = spec.ref ?? { branch: 'main' }
  const given = Object.keys(ref)
  if (given.length !== 1) {
    report(['spec', 'ref'], 'give exactly one of branch, tag and commit')
  }
  for (const [kind, name] of Object.entries(ref)) {
    if (kind !== 'commit' && !isRefName(name)) {
      report(['spec', 'ref', kind], `"${name}" is not a ${kind} name`)
    }
  }
  if (spec.interval !== undefined && parseDuration(spec.interval) < 1_000) {
    report(['spec', 'interval'], 'shorter than 1s')
  }
  if (spec.timeout !== undefined && parseDuration(spec.timeout) < 1_000) {
    report(['spec', 'timeout'], 'shorter than 1s')
  }
}

export function checkGroup(spec: ClusterGroupSpec, names: Names, report: Report): void {
  if (!spec.selector && !spec.clusters) {
    report(['spec'], 'give a `selector` or `clusters`; a `selector: {}` takes every cluster')
  }
  checkSelector(spec.selector, ['spec', 'selector'], report)
  checkNames(spec.clusters, names.clusters, 'cluster', ['spec', 'clusters'], report)
}

export function checkApplication(spec: ApplicationSpec, names: Names, report: Report): void {
  const { source } = spec
  if (source.repository !== undefined && source.repository !== 'fleet') {
    checkName(
      source.repository,
      names.repositories,
      'Repository',
      ['spec', 'source', 'repository'],
      report,
    )
  }
  checkInside(source.path, ['spec', 'source', 'path'], report)
  const kinds = (['directory', 'kustomize', 'helm'] as const).filter((kind) => source[kind])
  if (kinds.length > 1) {
    report(['spec', 'source', kinds[1]!], `a source has one kind; here are ${kinds.join(' and ')}`)
  }
  source.helm?.valuesFiles?.forEach((file, index) =>
    checkValuesFile(source.path, file, ['spec', 'source', 'helm', 'valuesFiles', index], report),
  )
  spec.targets.forEach((target, index) => {
    checkTarget(spec, target, ['spec', 'targets', index], names, report)
  })
  if (spec.rolloutStrategy !== undefined) {
    const path = ['spec', 'rolloutStrategy']
    checkName(spec.rolloutStrategy, names.strategies, 'RolloutStrategy', path, report)
    if (spec.rollout) report(path, 'give `rolloutStrategy` or `rollout`, not both')
  }
  if (spec.rollout) checkWaves(spec.rollout, ['spec', 'rollout'], names, report)
  if (spec.createNamespace && spec.targetNamespace === undefined) {
    if (spec.targets.every((target) => target.namespace === undefined)) {
      report(['spec', 'createNamespace'], 'needs `targetNamespace`')
    }
  }
}

export function checkStrategy(spec: RolloutStrategySpec, names: Names, report: Report): void {
  checkWaves(spec, ['spec'], names, report)
}

function checkTarget(
  { source, targets }: ApplicationSpec,
  target: ApplicationTarget,
  path: Path,
  names: Names,
  report: Report,
): void {
  if (!target.clusterSelector && target.clusterGroup === undefined && !target.clusters) {
    report(
      path,
      'picks no cluster: give `clusterSelector`, `clusterGroup` or `clusters` (`clusterSelector: {}` takes every cluster)',
    )
  }
  checkPickers(target.clusterSelector, 'clusterSelector', target, path, names, report)
  const helmOnly = (['values', 'valuesFiles'] as const).filter((field) => target[field])
  if ((source.directory || source.kustomize) && helmOnly[0]) {
    report([...path, helmOnly[0]], `\`${helmOnly[0]}\` is for helm sources only`)
  }
  target.valuesFiles?.forEach((file, index) =>
    checkValuesFile(source.path, file, [...path, 'valuesFiles', index], report),
  )
  const first = targets.findIndex((other) => other.name !== undefined && other.name === target.name)
  if (first >= 0 && targets[first] !== target) {
    report([...path, 'name'], `target "${target.name}" is there already`)
  }
}

function checkWaves(spec: RolloutStrategySpec, path: Path, names: Names, report: Report): void {
  spec.waves.forEach((wave: RolloutWave, index) => {
    const at = [...path, 'waves', index]
    checkPickers(wave.selector, 'selector', wave, at, names, report)
    const first = spec.waves.findIndex((other) => other.name === wave.name)
    if (first < index) report([...at, 'name'], `wave "${wave.name}" is there already`)
  })
}

function checkPickers(
  selector: LabelSelector | undefined,
  field: string,
  picked: Pick<ApplicationTarget, 'clusterGroup' | 'clusters'>,
  path: Path,
  names: Names,
  report: Report,
): void {
  checkSelector(selector, [...path, field], report)
  if (picked.clusterGroup !== undefined) {
    checkName(picked.clusterGroup, names.groups, 'ClusterGroup', [...path, 'clusterGroup'], report)
  }
  checkNames(picked.clusters, names.clusters, 'cluster', [...path, 'clusters'], report)
}

function checkSelector(selector: LabelSelector | undefined, path: Path, report: Report): void {
  for (const fault of selector ? findSelectorFaults(selector) : []) {
    report([...path, ...fault.path], fault.message)
  }
}

function checkNames(
  list: readonly string[] | undefined,
  known: ReadonlyMap<string, unknown>,
  what: string,
  path: Path,
  report: Report,
): void {
  list?.forEach((name, index) => {
    checkName(name, known, what, [...path, index], report)
    if (list.indexOf(name) < index) report([...path, index], `${what} "${name}" is listed twice`)
  })
}

function checkName(
  name: string,
  known: ReadonlyMap<string, unknown>,
  what: string,
  path: Path,
  report: Report,
): void {
  if (!known.has(name)) report(path, `there is no ${what} "${name}"${suggest(name, known.keys())}`)
}

function checkInside(path: string, at: Path, report: Report): void {
  if (path.startsWith('/') || /[\p{Cc}\\]/u.test(path) || path.split('/').includes('..')) {
    report(at, `path ${JSON.stringify(path)} must be relative and stay in the repository`)
  }
}

/** Relative to the source's path, or with a leading slash to the repository; never out of it. */
function checkValuesFile(base: string, file: string, at: Path, report: Report): void {
  const parts = file.startsWith('/')
    ? file.slice(1).split('/')
    : [...base.split('/'), ...file.split('/')]
  let depth = 0
  for (const part of parts) {
    depth += part === '..' ? -1 : part === '.' || part === '' ? 0 : 1
    if (depth < 0) break
  }
  if (file === '' || depth < 0 || /[\p{Cc}\\]/u.test(file)) {
    report(at, `values file ${JSON.stringify(file)} is not inside the repository`)
  }
}
