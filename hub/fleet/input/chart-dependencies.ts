import { posix } from 'node:path'
import { digestOf } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../../errors.ts'
import { type ChartReference, isExactVersion } from '../../source/chart/chart.ts'
import { readLoosely } from '../load/loose-yaml.ts'

/** As `repo` of an application; a digest is only kept from who can change what TLS carries. */
const address = /^(https:\/\/|oci:\/\/|http:\/\/(127\.0\.0\.1|localhost)[:/])[^\s?#]+$/
const fileName = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,250}$/
const mostDependencies = 100

/** A chart in Git, as far as its dependencies go. */
export interface ChartInGit {
  readonly application: string
  /** Within the repository. */
  readonly directory: string
  /** Chart.yaml and Chart.lock, or what stands for them. */
  readonly chart: string
  readonly lock: string | undefined
  /** Whether those are requirements.yaml and requirements.lock, as charts of API v1 have them. */
  readonly isLegacy?: boolean
  /** Name of the credential that repositories of charts are asked with. */
  readonly credential?: string
  /** Whether `charts/` holds a chart of this name. */
  readonly isVendored: (name: string) => boolean
  /** Why a repository of charts may not be asked; undefined where it may. */
  readonly whyRefused: (repo: string) => string | undefined
}

/**
 * Dependencies of a chart in Git that it does not carry along: what its lock says has to be fetched.
 * The lock has to be of just these dependencies, as Helm's own digest tells.
 *
 * @throws HubError `render_failed` with the file
 */
export function listLockedCharts({
  application,
  directory,
  chart,
  lock,
  isLegacy = false,
  credential,
  isVendored,
  whyRefused,
}: ChartInGit): ChartReference[] {
  const names = isLegacy
    ? { chart: 'requirements.yaml', lock: 'requirements.lock' }
    : { chart: 'Chart.yaml', lock: 'Chart.lock' }
  const update = `run \`helm dependency update\` and commit ${names.lock}`
  const refuse = (of: keyof typeof names, message: string): HubError => {
    const name = names[of]
    const [file, object] = [posix.join(directory, name), `Application ${application}`]
    return new HubError('render_failed', `${object}: ${file}: ${message}`, {
      faults: [{ file, object, message }],
    })
  }
  const { dependencies: wanted } = read(chart)
  const absent = wanted.filter(
    ({ name, repository }) => !isVendored(name) && !repository.startsWith('file://'),
  )
  if (absent.length === 0) return []
  if (wanted.length > mostDependencies) {
    throw refuse('chart', `more than ${mostDependencies} dependencies`)
  }
  for (const { name, repository } of absent) {
    const where = repository === '' ? 'no repository' : `the repository "${repository}"`
    const wrong = address.test(repository)
      ? whyRefused(repository)
      : `is not in charts/ and has ${where}; write https://… or oci://…, or commit it into charts/`
    if (wrong !== undefined) throw refuse('chart', `dependency "${name}": ${wrong}`)
  }
  if (lock === undefined) {
    const message = `dependency "${absent[0]!.name}": is neither in charts/ nor pinned by a ${names.lock}; ${update}`
    throw refuse('chart', message)
  }
  const { dependencies: locked, digest } = read(lock)
  const isOfThese =
    digest === lockDigest(wanted, locked) || (isLegacy && digest === digestOfHelm2(wanted))
  if (!isOfThese) {
    throw refuse('lock', `is of other dependencies than ${names.chart}; ${update}`)
  }
  const found = absent.map((dependency) => {
    const { name, repository } = dependency
    // The same chart may be there twice, of two versions: the lock is in the order of Chart.yaml.
    const pinned = locked[wanted.indexOf(dependency)]
    const isPinned = pinned?.name === name && pinned.repository === repository
    const version = isPinned ? pinned.version : ''
    if (!fileName.test(`${name}-${version}`) || !isExactVersion(version)) {
      throw refuse('lock', `pins no version of "${name}"; ${update}`)
    }
    const reference = { repo: repository.replace(/\/+$/, ''), chart: name, version }
    return credential === undefined ? reference : { ...reference, credential }
  })
  // One chart under two aliases is fetched once.
  return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()]
}

/**
 * Directories of charts in the same repository that a chart depends on (`file://../common`), relative to it; of those
 * that it does not carry along.
 *
 * @param chart Chart.yaml, or requirements.yaml
 */
export function listChartsBeside(chart: string, isVendored: ChartInGit['isVendored']): string[] {
  return read(chart)
    .dependencies.filter(({ name }) => !isVendored(name))
    .flatMap(({ repository }) => /^file:\/\/([^/].*)$/.exec(repository)?.[1] ?? [])
}

interface Dependency {
  readonly name: string
  readonly version: string
  readonly repository: string
  readonly condition: string
  readonly tags: readonly string[]
  readonly enabled: boolean
  readonly importValues: readonly unknown[]
  readonly alias: string
}

/** Scalars stay the text they are, so that `1.10` is a version. What cannot be read names nothing. */
function read(text: string): { dependencies: Dependency[]; digest: string } {
  const given = readLoosely(text, { schema: 'failsafe' }) ?? {}
  const listed = Array.isArray(given['dependencies']) ? given['dependencies'] : []
  return {
    digest: toText(given['digest']),
    dependencies: listed.filter(isRecord).map((one) => ({
      name: toText(one['name']),
      version: toText(one['version']),
      repository: toText(one['repository']),
      condition: toText(one['condition']),
      tags: Array.isArray(one['tags']) ? one['tags'].map(toText) : [],
      enabled: one['enabled'] === 'true',
      importValues: Array.isArray(one['import-values']) ? one['import-values'] : [],
      alias: toText(one['alias']),
    })),
  }
}

/** As Helm makes it: both lists as Go writes them as JSON. */
function lockDigest(wanted: readonly Dependency[], locked: readonly Dependency[]): string {
  return digestAsGo([wanted.map(spell), locked.map(spell)])
}

/** Of a lock that Helm 2 wrote: what is wanted alone, which Helm still takes. */
function digestOfHelm2(wanted: readonly Dependency[]): string {
  return digestAsGo({ dependencies: wanted.map(spell) })
}

function digestAsGo(value: unknown): string {
  const text = JSON.stringify(value)
  const escaped = text.replace(
    /[<>&\u2028\u2029]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return digestOf(escaped)
}

function spell(one: Dependency): object {
  const { name, version, repository, condition, tags, enabled, importValues, alias } = one
  return {
    name,
    ...(version !== '' && { version }),
    repository,
    ...(condition !== '' && { condition }),
    ...(tags.length > 0 && { tags }),
    ...(enabled && { enabled }),
    ...(importValues.length > 0 && { 'import-values': importValues.map(sortKeys) }),
    ...(alias !== '' && { alias }),
  }
}

function sortKeys(value: unknown): unknown {
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
