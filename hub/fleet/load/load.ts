import type { Fault } from '../../errors.ts'
import { findHealthRivals } from './fleet-health.ts'
import { isConfiguration, mayBeConfiguration } from './configuration-file.ts'
import { findDependencyCycles } from './dependency-cycle.ts'
import type { Declared, Fleet } from '../fleet.ts'
import { findIdleFields } from './idle-fields.ts'
import { apiVersion, type Kind, kinds } from '../kinds.ts'
import { RefusedFleet } from './refused-fleet.ts'
import { resolveTargets } from '../resolve/resolve.ts'
import { findSchemaFaults } from './schema-faults.ts'
import { expandShorthand, isShorthand } from './shorthand.ts'
import { whyBadLabel } from '../resolve/selector.ts'
import { checkApplication } from '../kinds/application.ts'
import { checkCluster, checkGroup } from '../kinds/cluster.ts'
import { checkHealthExpressions } from '../kinds/health-check-expr.ts'
import type { HealthCheckSpec } from '../kinds/health-check.ts'
import { checkMetricTemplate } from '../kinds/metric-template.ts'
import { type Path } from '../kinds/names.ts'
import { checkAlert, checkNotificationProvider } from '../kinds/notification.ts'
import { checkPolicy } from '../kinds/policy.ts'
import { checkProject } from '../kinds/project.ts'
import { checkRepository } from '../kinds/repository.ts'
import { checkStrategy } from '../kinds/rollout-strategy.ts'
import { suggest } from './suggest.ts'
import { findSourceFaults } from '../resolve/tenancy.ts'
import type { Turn } from '../../turns.ts'
import { parseYamlDocuments, type YamlDocument } from './yaml-document.ts'

export interface FleetFile {
  /** Relative to the repository's root; names the file in faults. */
  readonly path: string
  readonly bytes: Uint8Array
}

/** An object whose schema holds, and the document it came from. */
interface Read {
  readonly kind: Kind
  readonly declared: Declared<never>
  readonly document: YamlDocument
}

const maxFileBytes = 1024 * 1024

/**
 * Reads the fleet repository's configuration: the groundswell.dev documents of its .yaml and .yml
 * files, and every `swell.yaml`. Other documents, such as manifests beside them, are left alone.
 *
 * @param revision `main@sha1:…`
 * @throws RefusedFleet (`fleet_invalid`) with every fault, by file and line
 */
export function loadFleet(revision: string, files: Iterable<FleetFile>): Fleet {
  const faults: Fault[] = []
  const objects = inOrder(files).flatMap((file) => readFile(file, faults))
  return assemble(revision, objects, faults)
}

/**
 * As `loadFleet`, giving way to others in between: a thousand files take half a second, in which a hub that
 * has just started would let no agent in.
 *
 * @param turn asked after each file; what it resolves to is waited for
 */
export async function loadFleetInTurns(
  revision: string,
  files: Iterable<FleetFile>,
  turn: Turn,
): Promise<Fleet> {
  const faults: Fault[] = []
  const objects: Read[] = []
  for (const file of inOrder(files)) {
    objects.push(...readFile(file, faults))
    await turn()
  }
  return assemble(revision, objects, faults)
}

function inOrder(files: Iterable<FleetFile>): FleetFile[] {
  return [...files]
    .filter(({ path }) => /\.ya?ml$/i.test(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

function assemble(revision: string, objects: readonly Read[], faults: Fault[]): Fleet {
  const places = indexByName(objects, faults)
  const pick = <S>(kind: Kind) =>
    new Map(
      [...places.values()]
        .filter((object) => object.kind === kind)
        .map(({ declared }) => [declared.name, declared as Declared<S>]),
    )
  const fleet: Fleet = {
    revision,
    repositories: pick('Repository'),
    clusters: pick('Cluster'),
    groups: pick('ClusterGroup'),
    applications: pick('Application'),
    strategies: pick('RolloutStrategy'),
    projects: pick('Project'),
    policies: pick('Policy'),
    healthChecks: pick('HealthCheck'),
    metricTemplates: pick('MetricTemplate'),
    notificationProviders: pick('NotificationProvider'),
    alerts: pick('Alert'),
    warnings: [...places.values()].flatMap(listWarnings),
  }
  for (const object of places.values()) checkObject(object, fleet, faults)
  faults.push(...findCycleFaults(fleet, places), ...findResolveFaults(fleet, places))
  if (faults.length > 0) throw new RefusedFleet(fleet, faults)
  return fleet
}

function readFile({ path, bytes }: FleetFile, faults: Fault[]): Read[] {
  // An editor's "Unicode" may be this; read as UTF-8 it would look like nothing of ours.
  const utf16 = findUtf16(bytes)
  const text = new TextDecoder(utf16 ?? 'utf-8').decode(bytes)
  if (!isShorthand(path) && !mayBeConfiguration(text)) return []
  const refuse = (message: string): Read[] => {
    faults.push({ file: path, line: 1, column: 1, message })
    return []
  }
  if (utf16) return refuse('is UTF-16; save it as UTF-8')
  if (bytes.byteLength > maxFileBytes) return refuse(`larger than ${maxFileBytes} bytes`)
  if (text.includes('\uFFFD') || text.includes('\0')) return refuse('not UTF-8 text')
  const parsed = parseYamlDocuments(path, text)
  faults.push(...parsed.faults)
  if (isShorthand(path) && parsed.documents.length === 0 && parsed.faults.length === 0) {
    return refuse('holds nothing; give at least `targets`')
  }
  return parsed.documents.flatMap((document) => {
    const whole = isShorthand(path, document.value) ? expandShorthand(document, faults) : document
    return whole ? readDocument(whole, faults) : []
  })
}

/** By its byte order mark. */
function findUtf16([first, second]: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined
}

function readDocument(document: YamlDocument, faults: Fault[]): Read[] {
  const { file, value } = document
  if (!isConfiguration(value)) return []
  const name = value.metadata?.name
  const object = [value.kind, name].filter((part) => typeof part === 'string').join(' ')
  const report = (path: Path, message: string, key = false) =>
    faults.push({ file, ...document.locate(path, key), ...(object ? { object } : {}), message })

  if (value.apiVersion !== apiVersion) {
    report(['apiVersion'], `apiVersion "${value.apiVersion}" is not known; write ${apiVersion}`)
    return []
  }
  const kind = typeof value.kind === 'string' ? value.kind : ''
  if (!isKind(kind)) {
    const known = Object.keys(kinds)
    const hint = suggest(kind, known) || `; known: ${known.join(', ')}`
    report(['kind'], kind ? `unknown kind "${kind}"${hint}` : `\`kind\` is missing${hint}`)
    return []
  }
  const found = findSchemaFaults(kinds[kind], value)
  for (const fault of found) report(fault.path, fault.message, fault.key)
  if (found.length > 0) return []

  const { metadata, spec } = value as unknown as {
    metadata: Pick<Declared<never>, 'name'> & Partial<Declared<never>>
    spec: never
  }
  const { line } = document.locate([])
  const declared = { labels: {}, annotations: {}, ...metadata, spec, file, line }
  return [{ kind, declared, document }]
}

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(kinds, kind)
}

/** By kind and name; of two with the same name the first stays, and both places are told. */
function indexByName(objects: readonly Read[], faults: Fault[]): Map<string, Read> {
  const places = new Map<string, Read>()
  for (const object of objects) {
    const { kind, declared, document } = object
    const key = `${kind} ${declared.name}`
    const first = places.get(key)
    if (!first) places.set(key, object)
    else {
      const there = first.document.locate(['metadata', 'name'])
      faults.push({
        file: document.file,
        ...document.locate(['metadata', 'name']),
        object: key,
        message: `is declared already at ${first.document.file}:${there.line}`,
      })
    }
  }
  return places
}

function checkObject({ kind, declared, document }: Read, fleet: Fleet, faults: Fault[]): void {
  const object = `${kind} ${declared.name}`
  const report = (path: Path, message: string) =>
    faults.push({ file: document.file, ...document.locate(path), object, message })
  for (const [key, value] of Object.entries(declared.labels)) {
    const wrong = whyBadLabel(key, value)
    if (wrong) report(['metadata', 'labels', key], wrong)
  }
  switch (kind) {
    case 'Repository':
      if (declared.name === 'fleet') {
        report(['metadata', 'name'], '"fleet" is the fleet repository itself; take another name')
      }
      checkRepository(declared.spec, report)
      break
    case 'ClusterGroup':
      checkGroup(declared.spec, fleet, report)
      break
    case 'Application':
      checkApplication(declared.spec, fleet, report)
      for (const { path, message } of findSourceFaults(fleet, declared.spec)) report(path, message)
      break
    case 'RolloutStrategy':
      checkStrategy(declared.spec, fleet, report)
      break
    case 'Project':
      checkProject(declared.spec, fleet, report)
      break
    case 'HealthCheck': {
      const check: Declared<HealthCheckSpec> = declared
      const { healthCheckExprs } = check.spec
      checkHealthExpressions(healthCheckExprs, ['spec', 'healthCheckExprs'], report)
      for (const { path, message } of findHealthRivals(check, fleet)) report(path, message)
      break
    }
    case 'MetricTemplate':
      checkMetricTemplate(declared.spec, report)
      break
    case 'NotificationProvider':
      checkNotificationProvider(declared.spec, report)
      break
    case 'Policy':
      checkPolicy(declared.spec, fleet, report)
      break
    case 'Alert':
      checkAlert(declared.spec, fleet, report)
      break
    case 'Cluster':
      checkCluster(declared.spec, report)
      break
  }
}

function listWarnings({ kind, declared, document }: Read): Fault[] {
  return findIdleFields(kind, document.value).map(({ path, message }) => ({
    file: document.file,
    ...document.locate(path, true),
    object: `${kind} ${declared.name}`,
    message,
  }))
}

function findCycleFaults(fleet: Fleet, places: ReadonlyMap<string, Read>): Fault[] {
  const dependencies = new Map(
    [...fleet.applications].map(([name, { spec }]) => [
      name,
      (spec.dependsOn ?? []).map((other) => other.name),
    ]),
  )
  return findDependencyCycles(dependencies).map((cycle) => {
    const object = `Application ${cycle[0]}`
    const { document } = places.get(object)!
    const at = dependencies.get(cycle[0]!)!.indexOf(cycle[1] ?? cycle[0]!)
    return {
      file: document.file,
      ...document.locate(['spec', 'dependsOn', at]),
      object,
      message: `depends on itself: ${[...cycle, cycle[0]].join(' → ')}`,
    }
  })
}

/** One fault a place: what is wrong on a thousand clusters is mended once. */
function findResolveFaults(fleet: Fleet, places: ReadonlyMap<string, Read>): Fault[] {
  const byPlace = Map.groupBy(resolveTargets(fleet).faults, ({ application, path }) =>
    JSON.stringify([application, path]),
  )
  return [...byPlace.values()].map((same) => {
    const { application, cluster, path, message } = same[0]!
    const { document } = places.get(`Application ${application}`)!
    const others = new Set(same.map((fault) => fault.cluster)).size - 1
    const more = others > 0 ? ` (and on ${others} more clusters)` : ''
    const object = `Application ${application}`
    return {
      file: document.file,
      ...document.locate(path),
      object,
      cluster,
      message: message + more,
    }
  })
}
