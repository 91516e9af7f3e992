import { posix } from 'node:path'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../errors.ts'
import type { ChartReference, FoundChart } from '../../source/chart/chart.ts'
import type { Mirror, Tree } from '../../source/source.ts'
import { listChartsBeside, listLockedCharts } from './chart-dependencies.ts'
import { kustomizationFiles, listKustomizeReferences } from './kustomize-references.ts'
import {
  type BaseReference,
  type BaseRepository,
  listBaseEntries,
  matchBase,
  type RemoteBase,
  resolveBase,
} from './remote-base.ts'
import type { ResolvedTarget } from '../resolve/resolve.ts'
import { whyChartsRefused } from '../resolve/tenancy.ts'
import { locateValuesFile } from './values-file.ts'

/** What a reference means now; throws what says why it is not known, and what to do about it. */
export type FindChart = (reference: ChartReference) => Promise<FoundChart>

/** The files one render may read: one tree, and where in it to begin. */
export interface RenderSource {
  readonly kind: 'directory' | 'kustomize' | 'helm'
  /** Directory of the repository the tree is; `.` for its root. */
  readonly root: string
  readonly tree: Tree
  /** Within the tree; `.` for its root. */
  readonly path: string
  /** Archives that are in the tree beside what Git has, by where. */
  readonly charts?: readonly { readonly at: string; readonly chart: FoundChart }[]
  /** Files of other repositories that are in the tree, too. */
  readonly bases?: readonly RemoteBase[]
}

const [maxKustomizations, maxCharts] = [500, 100]
/** Bases that bases name: so many below another, and so many of one application. */
const [maxDepth, maxBases] = [8, 100]

/** On the way from one repository to the next. */
interface Trail {
  /** Where it has come through, the application's own kustomization first. */
  readonly way: readonly string[]
  /** What was read, by where it is: a base that several name is read once. */
  readonly read: Map<string, Promise<RenderSource>>
}

/**
 * Finds the smallest directory that holds all a render reads: the application's own path, widened
 * to the common ancestor of what its kustomizations and values files name beside it. The root of
 * the repository would be right too, but its id changes with every commit, and with it every
 * cached render.
 *
 * @throws HubError `render_failed` with the file that leads out of the repository; whatever
 *   `readTree` throws
 */
export async function readRenderSource(
  mirror: Pick<Mirror, 'readTree' | 'readBlobs'>,
  commit: string,
  target: Pick<
    ResolvedTarget,
    'application' | 'path' | 'kind' | 'valuesFiles' | 'chartSources' | 'dependencyCredential'
  >,
  repositories: readonly BaseRepository[] = [],
  findChart: FindChart = refuseCharts,
  trail: Trail = { way: [], read: new Map() },
): Promise<RenderSource> {
  const path = posix.normalize(target.path).replace(/\/$/, '')
  const remote = new Map<string, RemoteEntry>()
  const files = target.valuesFiles.map((file) => locateValuesFile(path, file))
  let root = [path, ...files.map((file) => posix.dirname(file))].reduce(commonAncestor)
  // Each round widens the root, so there are no more rounds than directories above the path.
  for (;;) {
    const tree = await mirror.readTree(commit, root)
    const at = posix.relative(root, path) || '.'
    const kind = target.kind ?? detectKind(tree, at)
    if (kind === 'helm') {
      const wider = await widenChart(mirror, target, tree, root, path)
      if (wider === root) {
        return addDependencies(mirror, { kind, root, tree, path: at }, target, findChart)
      }
      root = wider
      continue
    }
    const note: NoteEntry = (entry, file) => {
      const reference = matchBase(entry, repositories)
      if (reference) remote.set(entry, { reference, file })
      return reference !== undefined
    }
    const wider = kind === 'kustomize' ? await widen(mirror, target, tree, root, path, note) : root
    if (wider === root) {
      return addBases({ kind, root, tree, path: at }, target, remote, repositories, trail)
    }
    root = wider
  }
}

interface RemoteEntry {
  readonly reference: BaseReference
  /** The kustomization it is in. */
  readonly file: string
}

/** Whether an entry is a base of another repository, which is noted. */
type NoteEntry = (entry: string, file: string) => boolean

/**
 * Puts the bases of other repositories into the tree, whose id then tells of them, too; and those
 * that these name, which are held to the same list.
 */
async function addBases(
  source: RenderSource,
  target: Pick<ResolvedTarget, 'application'>,
  remote: ReadonlyMap<string, RemoteEntry>,
  repositories: readonly BaseRepository[],
  trail: Trail,
): Promise<RenderSource> {
  if (remote.size === 0) return source
  const bases = new Map<string, RemoteBase>()
  const ids: unknown[] = []
  for (const [entry, { reference, file }] of [...remote].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const refuse = (message: string): HubError => {
      const within = trail.way.length > 0 ? `${trail.way.at(-1)!}: ` : ''
      const words = `${within}${file}: ${message}`
      return new HubError('render_failed', `Application ${target.application}: ${words}`, {
        // A file of another repository is none that could be shown here.
        faults: [
          {
            ...(within === '' && { file }),
            object: `Application ${target.application}`,
            message: within === '' ? message : words,
          },
        ],
      })
    }
    const { repository, path } = reference
    const commit = await resolveBase(reference)
    if (commit === undefined) {
      throw refuse(
        `the base ${entry} asks for ${reference.ref}, and Repository ${repository.name} follows ${repository.revision}: write that, or a commit of it in full`,
      )
    }
    const place = `${repository.name}//${path}@${commit.slice(0, 12)}`
    if (trail.way.includes(place)) {
      const circle = [...trail.way.slice(trail.way.indexOf(place)), place]
      throw refuse(`bases go round: ${circle.join(' → ')}`)
    }
    if (trail.way.length >= maxDepth) {
      throw refuse(`bases of bases go deeper than ${maxDepth}: ${trail.way.join(' → ')}`)
    }
    const base = {
      application: target.application,
      path,
      kind: 'kustomize',
      valuesFiles: [],
    } as const
    const below = { ...trail, way: [...trail.way, place] }
    const reading =
      trail.read.get(place) ??
      readRenderSource(repository.mirror, commit, base, repositories, refuseCharts, below)
    trail.read.set(place, reading)
    if (trail.read.size > maxBases) throw refuse(`more than ${maxBases} bases`)
    const found = await reading
    const at = posix.normalize(
      `${baseDirectory}/${repository.name}-${commit.slice(0, 12)}/${found.root}`,
    )
    const own = { entry, repository: repository.name, at, path: found.path, tree: found.tree }
    bases.set(entry, own)
    ids.push([entry, at, found.path, found.tree.id])
    for (const each of found.bases ?? []) bases.set(each.entry, each)
  }
  const id = digestOf(JSON.stringify([source.tree.id, ids]))
  return { ...source, tree: { ...source.tree, id }, bases: [...bases.values()] }
}

/** Puts the charts that a chart depends on into the tree, whose id then tells of them, too. */
async function addDependencies(
  mirror: Pick<Mirror, 'readBlobs'>,
  source: RenderSource,
  {
    application,
    chartSources,
    dependencyCredential: credential,
  }: Pick<ResolvedTarget, 'application' | 'chartSources' | 'dependencyCredential'>,
  findChart: FindChart,
): Promise<RenderSource> {
  const { root, tree, path } = source
  const files = new Map(tree.files.map((file) => [file.path, file.oid]))
  const read = async (name: string): Promise<string | undefined> => {
    const oid = files.get(posix.join(path, name))
    if (oid === undefined) return undefined
    const [bytes] = await mirror.readBlobs([oid])
    return Buffer.from(bytes!).toString()
  }
  // Where it is there, Helm goes by it, and not by what Chart.yaml says of dependencies.
  const requirements = await read('requirements.yaml')
  const isLegacy = requirements?.includes('dependencies') ?? false
  const chart = isLegacy ? requirements : await read('Chart.yaml')
  if (!chart?.includes('dependencies')) return source
  const lock =
    (isLegacy ? await read('requirements.lock') : undefined) ?? (await read('Chart.lock'))
  const vendored = posix.join(path, 'charts')
  const wanted = listLockedCharts({
    ...{ application, chart, lock, isLegacy },
    ...(credential !== undefined && { credential }),
    directory: posix.join(root, path),
    isVendored: chartsIn(files, vendored),
    whyRefused: (repo) => whyChartsRefused(chartSources, repo),
  })
  if (wanted.length === 0) return source
  const charts = await Promise.all(
    wanted.map(async (reference) => ({
      at: posix.join(vendored, `${reference.chart}-${reference.version}.tgz`),
      chart: await findChart(reference),
    })),
  )
  const id = digestOf(JSON.stringify([tree.id, charts.map(({ at, chart }) => [at, chart.digest])]))
  return { ...source, tree: { ...tree, id }, charts }
}

/** Tells the charts that a directory of charts holds, unpacked or as archives; looked through once for all that are asked for. */
function chartsIn(
  files: ReadonlyMap<string, string>,
  directory: string,
): (name: string) => boolean {
  const names = new Set<string>()
  for (const file of files.keys()) {
    if (!file.startsWith(`${directory}/`)) continue
    const [first = '', second, ...more] = file.slice(directory.length + 1).split('/')
    if (second === 'Chart.yaml' && more.length === 0) names.add(first)
    if (second !== undefined || !first.endsWith('.tgz') || first.length > longestName) continue
    // Of `a-b-1.0.tgz` a name may be `a` as well as `a-b`.
    for (let at = first.indexOf('-'); at >= 0; at = first.indexOf('-', at + 1)) {
      names.add(first.slice(0, at))
    }
  }
  return (name) => names.has(name)
}

const longestName = 300

/** For who has no way to ask for any. */
function refuseCharts({ repo, chart }: ChartReference): Promise<FoundChart> {
  const message = `the chart ${chart} of ${repo} cannot be fetched here`
  return Promise.reject(new HubError('source_unreachable', message))
}

/** Where in a tree bases of other repositories stand. */
const baseDirectory = '.bases'

/**
 * The source of a chart that was fetched: its archive, and what of Git holds the values files. The
 * tree's id tells both.
 */
export async function readChartSource(
  mirror: Pick<Mirror, 'readTree'>,
  commit: string,
  target: Pick<ResolvedTarget, 'path' | 'valuesFiles'>,
  name: string,
  chart: FoundChart,
): Promise<RenderSource> {
  const path = posix.normalize(target.path).replace(/\/$/, '')
  const [first, ...more] = target.valuesFiles.map((file) =>
    posix.dirname(locateValuesFile(path, file)),
  )
  const root = first === undefined ? '.' : more.reduce(commonAncestor, first)
  const values = first === undefined ? undefined : await mirror.readTree(commit, root)
  const at = `${name}-${chart.version}.tgz`
  // One archive may go by several names and versions, and files by their names are what a tree is.
  const id = digestOf(JSON.stringify([values?.id ?? null, at, chart.digest]))
  const files = values?.files ?? []
  return { kind: 'helm', root, tree: { id, files }, path: at, charts: [{ at, chart }] }
}

/** Explicit, else by the file that says so: Chart.yaml, kustomization.yaml, else plain manifests. */
export function detectKind(tree: Tree, path: string): RenderSource['kind'] {
  const names = new Set(tree.files.map((file) => file.path))
  if (names.has(posix.join(path, 'Chart.yaml'))) return 'helm'
  return kustomizationFiles.some((name) => names.has(posix.join(path, name)))
    ? 'kustomize'
    : 'directory'
}

/** Follows kustomizations from `path` through the tree; returns the root their references need. */
async function widen(
  mirror: Pick<Mirror, 'readBlobs'>,
  target: Pick<ResolvedTarget, 'application'>,
  tree: Tree,
  root: string,
  path: string,
  note: NoteEntry,
): Promise<string> {
  const files = new Map(tree.files.map((file) => [posix.join(root, file.path), file.oid]))
  const seen = new Set<string>()
  const queue = [path]
  let needed = root
  for (let directory = queue.pop(); directory !== undefined; directory = queue.pop()) {
    if (seen.has(directory)) continue
    seen.add(directory)
    if (seen.size > maxKustomizations) {
      throw new HubError(
        'render_failed',
        `Application ${target.application}: more than ${maxKustomizations} kustomizations`,
      )
    }
    const file = kustomizationFiles
      .map((name) => posix.join(directory, name))
      .find((name) => files.has(name))
    if (file === undefined) continue
    const [bytes] = await mirror.readBlobs([files.get(file)!])
    const text = Buffer.from(bytes!).toString()
    const remote = new Set(listBaseEntries(text).filter((entry) => note(entry, file)))
    for (const reference of listKustomizeReferences(directory, text, remote)) {
      if (reference === '..' || reference.startsWith('../')) throw leadsOut(target, file)
      const clean = reference.replace(/\/$/, '') || '.'
      // A path that holds the root is a directory; any other may be a file, so its parent is taken.
      const holder = isInside(clean, root) ? clean : posix.dirname(clean)
      needed = commonAncestor(needed, isInside(root, clean) ? root : holder)
      queue.push(clean)
    }
  }
  return needed
}

/** Follows charts to those beside them that they depend on; returns the root that all of them need. */
async function widenChart(
  mirror: Pick<Mirror, 'readBlobs'>,
  target: Pick<ResolvedTarget, 'application'>,
  tree: Tree,
  root: string,
  path: string,
): Promise<string> {
  const files = new Map(tree.files.map((file) => [posix.join(root, file.path), file.oid]))
  const seen = new Set([path])
  let needed = root
  for (const directory of seen) {
    for (const name of ['Chart.yaml', 'requirements.yaml']) {
      const file = posix.join(directory, name)
      const oid = files.get(file)
      const [bytes] = oid === undefined ? [] : await mirror.readBlobs([oid])
      const text = bytes === undefined ? '' : Buffer.from(bytes).toString()
      if (!text.includes('file://')) continue
      const isVendored = chartsIn(files, posix.join(directory, 'charts'))
      for (const beside of listChartsBeside(text, isVendored)) {
        const at = posix.join(directory, beside).replace(/\/$/, '')
        if (at === '..' || at.startsWith('../')) throw leadsOut(target, file)
        needed = commonAncestor(needed, at)
        seen.add(at)
      }
    }
    if (seen.size > maxCharts) {
      const words = `Application ${target.application}: more than ${maxCharts} charts`
      throw new HubError('render_failed', words)
    }
  }
  return needed
}

function leadsOut({ application }: Pick<ResolvedTarget, 'application'>, file: string): HubError {
  const [object, message] = [`Application ${application}`, 'names a path outside the repository']
  return new HubError('render_failed', `${object}: ${file} ${message}`, {
    faults: [{ file, object, message }],
  })
}

function isInside(root: string, path: string): boolean {
  return root === '.' || path === root || path.startsWith(`${root}/`)
}

function commonAncestor(a: string, b: string): string {
  const [left, right] = [parts(a), parts(b)]
  const length = left.findIndex((part, index) => part !== right[index])
  return left.slice(0, length < 0 ? left.length : length).join('/') || '.'
}

function parts(path: string): string[] {
  return path === '.' ? [] : path.split('/')
}
