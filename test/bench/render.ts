import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { oraclePaths } from '../../deploy/setup/paths.mjs'
import { createCachedEngine, createMemoryRenderStore } from '../../hub/render/cache.ts'
import type { RenderEngine, RenderInput } from '../../hub/render/engine.ts'
import { findEngineBinary } from '../support/render-engine.ts'
import { createRenderEngine } from '../../hub/render/process.ts'
import { renderFiles, renderInput } from '../support/render-input.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { childrenOf, readRssKb } from './machine.ts'
import { chart, type Files, large, overlay, small, valuesOf } from './render-inputs.ts'
import { describeFigures, type Figures } from './result.ts'

export const renderGoals = [
  { metric: 'kustomize_per_s', text: '≥ 400' },
  { metric: 'helm_per_s', text: '≥ 400' },
  { metric: 'kustomize_ratio', text: '≥ 15' },
  { metric: 'helm_ratio', text: '≥ 15' },
  { metric: 'large_ratio', text: '≥ 1' },
  { metric: 'cache_decisions_per_s', text: '≥ 20000' },
  { metric: 'duplicate_renders', text: '0' },
]

const workers = 2
const renders = 1_000
const forks = 64
/** Of what is compared. */
const turns = 4
const decisions = 40_000
const known = 200
/** How often each input is asked for at the same time. */
const askers = 20

/**
 * B4: the smallest renders a second, each of another input, by two warm workers and by the official
 * programs, two at a time, in the same run; overlays with a base, which cost more; one large kustomization by both; what the cache
 * answers a second; and how many inputs were rendered more than once. What is compared goes from
 * files in memory to objects on one side, from files on disk to printed text on the other.
 */
export async function measureRender(
  options: { readonly runs: number },
  say: (text: string) => void,
): Promise<Figures[]> {
  await using directory = await createTempDir('bench-render')
  const before = new Set(childrenOf(process.pid))
  const engine = await createRenderEngine({
    binary: await findEngineBinary(),
    workers,
    memoryBytes: 2 ** 30,
    timeoutMs: 60_000,
  })
  const pids = childrenOf(process.pid).filter((pid) => !before.has(pid))
  const resident = () => Math.round(pids.reduce((sum, pid) => sum + readRssKb(pid), 0) / 1024)
  try {
    const runs: Figures[] = []
    for (let run = 0; run <= options.runs; run++) {
      const first = run * renders
      const overlays = await perSecond(renders / 4, 4 * workers, (at) =>
        renderOverlay(engine, first + at),
      )
      const fork = await writeForks(join(directory.path, String(run)))
      const { kustomize, helm, ...forked } = await takeTurns({
        kustomize: [renders, 4 * workers, (at) => renderSmall(engine, first + at)],
        helm: [renders, 4 * workers, (at) => renderChart(engine, first + at)],
        forkKustomize: [forks, workers, fork.kustomize],
        forkHelm: [forks, workers, fork.helm],
      })
      const warm = resident()
      const big = await compareLarge(engine, join(directory.path, `large-${run}`))
      const figures = {
        kustomize_per_s: Math.round(kustomize),
        helm_per_s: Math.round(helm),
        fork_kustomize_per_s: Math.round(forked.forkKustomize),
        fork_helm_per_s: Math.round(forked.forkHelm),
        kustomize_ratio: kustomize / forked.forkKustomize,
        helm_ratio: helm / forked.forkHelm,
        overlay_per_s: Math.round(overlays),
        ...big,
        ...(await measureCache(engine, run)),
        renderer_rss_mb: warm,
        renderer_rss_after_large_mb: resident(),
      }
      say(`${run === 0 ? 'warm-up' : `run ${run}`}: ${describeFigures(figures)}`)
      if (run > 0) runs.push(figures)
    }
    return runs
  } finally {
    await engine.close()
  }
}

type Work = (at: number) => Promise<unknown>

const never = new AbortController().signal

async function renderSmall(engine: RenderEngine, distinct: number): Promise<void> {
  const files = renderFiles(small(distinct))
  const input = renderInput({ kind: 'kustomize', treeId: `small-${distinct}` })
  expect(await engine.render(input, () => Promise.resolve(files), never), 1)
}

async function renderOverlay(engine: RenderEngine, distinct: number): Promise<void> {
  const files = renderFiles(overlay(distinct))
  const input = renderInput({ kind: 'kustomize', treeId: `overlay-${distinct}`, path: 'overlay' })
  expect(await engine.render(input, () => Promise.resolve(files), never), 1)
}

async function renderChart(engine: RenderEngine, distinct: number): Promise<void> {
  const input = renderInput({ kind: 'helm', treeId: 'chart', helm: { values: valuesOf(distinct) } })
  expect(await engine.render(input, () => Promise.resolve(renderFiles(chart)), never), 1)
}

function expect({ objects }: { readonly objects: readonly unknown[] }, count: number): void {
  if (objects.length !== count) throw new Error(`${objects.length} objects, not ${count}`)
}

/** Runs `work` for 0, 1, 2… up to `count`, `width` of them at a time. */
async function perSecond(count: number, width: number, work: Work): Promise<number> {
  return (count * 1000) / (await timeTurn(0, count, width, work))
}

/** Milliseconds. */
async function timeTurn(first: number, end: number, width: number, work: Work): Promise<number> {
  let next = first
  const started = performance.now()
  const lane = async () => {
    while (next < end) await work(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
  return performance.now() - started
}

/**
 * How much of each is done a second. A machine's pace changes from one second to the next, so what is compared takes turns.
 */
async function takeTurns<Name extends string>(
  each: Readonly<Record<Name, readonly [count: number, width: number, work: Work]>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(each) as Name[]
  const spent = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>
  for (let turn = 0; turn < turns; turn++) {
    for (const name of names) {
      const [count, width, work] = each[name]
      const share = (at: number) => Math.round((count * at) / turns)
      spent[name] += await timeTurn(share(turn), share(turn + 1), width, work)
    }
  }
  return Object.fromEntries(
    names.map((name) => [name, (each[name][0] * 1000) / spent[name]]),
  ) as Record<Name, number>
}

async function fork(program: 'kustomize' | 'helm', args: readonly string[]): Promise<void> {
  const env = { PATH: '/usr/bin:/bin', HOME: '/nonexistent' }
  await promisify(execFile)(oraclePaths()[program], [...args], { env, maxBuffer: 2 ** 28 })
}

/** Files for the official programs, and how each of them is run on them. */
async function writeForks(directory: string): Promise<{ kustomize: Work; helm: Work }> {
  for (let at = 0; at < forks; at++) await write(join(directory, `small${at}`), small(at))
  await write(join(directory, 'chart'), chart)
  return {
    kustomize: (at) => fork('kustomize', ['build', join(directory, `small${at}`)]),
    helm: (at) =>
      fork('helm', ['template', 'shop', join(directory, 'chart'), '--set', `tag=2.0.${at}`]),
  }
}

async function compareLarge(engine: RenderEngine, directory: string): Promise<Figures> {
  const files = large()
  await write(directory, files)
  const input = renderInput({ kind: 'kustomize', treeId: directory })
  const warm = performance.now()
  expect(await engine.render(input, () => Promise.resolve(renderFiles(files)), never), 405)
  const between = performance.now()
  await fork('kustomize', ['build', directory])
  const [ours, theirs] = [between - warm, performance.now() - between]
  const bytes = Object.values(files).reduce((sum, text) => sum + text.length, 0)
  return {
    large_mb: Math.round(bytes / 1e5) / 10,
    large_ms: Math.round(ours),
    fork_large_ms: Math.round(theirs),
    large_ratio: theirs / ours,
  }
}

async function measureCache(engine: RenderEngine, run: number): Promise<Figures> {
  const rendered = new Map<string, number>()
  const counting: RenderEngine = {
    ...engine,
    render(input, files, signal) {
      const key = JSON.stringify(input)
      rendered.set(key, (rendered.get(key) ?? 0) + 1)
      return engine.render(input, files, signal)
    },
  }
  const cached = createCachedEngine(counting, createMemoryRenderStore(64 * 2 ** 20))
  const inputs = Array.from({ length: known }, (_, at): RenderInput =>
    renderInput({ kind: 'helm', treeId: 'chart', helm: { values: valuesOf(-1 - at - run) } }),
  )
  const ask = (input: RenderInput) =>
    cached.render(input, () => Promise.resolve(renderFiles(chart)), never)
  await Promise.all(inputs.flatMap((input) => Array.from({ length: askers }, () => ask(input))))
  const perSecondCached = await perSecond(decisions, 16, (at) => ask(inputs[at % known]!))
  const counts = [...rendered.values()]
  return {
    cache_decisions_per_s: Math.round(perSecondCached),
    duplicate_renders: counts.reduce((sum, count) => sum + count, 0) - inputs.length,
  }
}

async function write(directory: string, files: Files): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
}
