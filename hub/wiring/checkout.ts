import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '@groundswell/proto/digest.ts'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { type CheckoutOptions, type OpenCheckout, createCheckout } from '../check/checkout.ts'
import { createCachedJudge } from '../check/cached-judge.ts'
import { createResultDirectory } from '../check/fs.ts'
import { openLocalRepository } from '../check/git.ts'
import { findViolations } from '../check/violations.ts'
import { createLazyEngine } from '../check/lazy-engine.ts'
import type { LocalRepository, Snapshot } from '../check/local-repository.ts'
import { HubError } from '../errors.ts'
import { readCredentials, readFacts } from '../fs.ts'
import type { Declared } from '../fleet/fleet.ts'
import type { RepositorySpec } from '../fleet/kinds/repository.ts'
import { toSourceSpec } from '../fleet/input/repository-spec.ts'
import { openCharts } from './checkout-charts.ts'
import { createGate } from './policies.ts'
import hub from '../package.json' with { type: 'json' }
import type { Verdict } from '../policy/judge.ts'
import { createCachedEngine, createMemoryRenderStore } from '../render/cache.ts'
import type { RenderResult } from '../render/engine.ts'
import { createRenderEngine } from '../render/process.ts'
import { createMirror } from '../source/git.ts'
import type { Mirror } from '../source/source.ts'

const engineMemory = 1024 * 1024 * 1024
const renderTimeout = 90_000
const cacheBytes = 512 * 1024 * 1024

/** Where renders are kept: beside what set-up builds. */
function cacheDirectory(): string {
  const { GROUNDSWELL_CACHE: own, XDG_CACHE_HOME: home } = process.env
  return own || join(home || join(homedir(), '.cache'), 'groundswell')
}

/**
 * Opens a checkout of a fleet repository for the commands that need no hub.
 *
 * @throws HubError `engine_unavailable`, `source_refused`
 */
export const openCheckout: OpenCheckout = async (options, signal) => {
  const closing: (() => Promise<void>)[] = []
  const close = async () => {
    for (const each of closing.splice(0).reverse()) await each()
  }
  try {
    const fleet = await openLocalRepository(options.directory, tmpdir(), signal)
    closing.push(() => fleet.close())
    const facts = readFacts(options.factsFile)
    const { engine, gate, workers } = await openEngine(options, closing)
    const local = new Map<string, LocalRepository>()
    for (const [name, directory] of options.repositories) {
      const repository = await openLocalRepository(directory, tmpdir(), signal)
      closing.push(() => repository.close())
      local.set(name, repository)
    }
    const credentials = readCredentials(options.credentialsFile, '')
    const fetching = openMirrors(options, credentials, closing, signal)
    const checkout = createCheckout({
      fleet,
      path: options.path,
      engine,
      facts,
      charts: openCharts(options, workers, cacheDirectory(), credentials, signal),
      snapshot: async (repository) => local.get(repository.name)?.at() ?? fetching(repository),
      judge: (rendered, own, signal) => findViolations(gate, rendered, own, signal),
      loadPolicies: gate.load,
    })
    return { ...checkout, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openEngine(options: CheckoutOptions, closing: (() => Promise<void>)[]) {
  const binary = options.engine ?? process.env['GROUNDSWELL_ENGINE'] ?? ''
  const bytes = await readFile(binary).catch((cause: unknown) => {
    const where = binary === '' ? 'GROUNDSWELL_ENGINE is not set' : `none at ${binary}`
    throw new HubError(
      'engine_unavailable',
      `no render engine: ${where}; run \`npm run setup\`, or give --engine`,
      { cause },
    )
  })
  const workers = createLazyEngine(digestOf(bytes), () =>
    createRenderEngine({
      binary,
      workers: Math.min(8, availableParallelism()),
      memoryBytes: engineMemory,
      timeoutMs: renderTimeout,
    }),
  )
  closing.push(() => workers.close())
  const gate = createGate(workers, undefined, Date.now)
  if (!options.cache) {
    return { gate, workers, engine: createCachedEngine(workers, createMemoryRenderStore(0)) }
  }
  const renders = createResultDirectory<RenderResult>(join(cacheDirectory(), 'renders'), cacheBytes)
  const verdicts = createResultDirectory<Verdict>(join(cacheDirectory(), 'verdicts'), cacheBytes)
  closing.push(
    () => renders.trim(),
    () => verdicts.trim(),
  )
  const judge = createCachedJudge(gate.judge, verdicts, `${workers.version} ${hub.version}`)
  return { gate: { ...gate, judge }, workers, engine: createCachedEngine(workers, renders) }
}

/** Repositories that are fetched: each once, whatever is asked of it. */
function openMirrors(
  options: CheckoutOptions,
  credentials: ReturnType<typeof readCredentials>,
  closing: (() => Promise<void>)[],
  signal: AbortSignal,
) {
  const fetched = new Map<string, Promise<Snapshot>>()

  async function fetchMirror(repository: Declared<RepositorySpec>): Promise<Snapshot> {
    if (!options.fetch) {
      throw new HubError(
        'source_unreachable',
        `not read; give its checkout with --repository ${repository.name}=DIR, or --fetch it`,
      )
    }
    const directory = await mkdtemp(join(tmpdir(), 'swell-mirror-'))
    closing.push(() => rm(directory, { recursive: true, force: true }))
    // Whose signatures count is told to the hub alone, which verifies before it takes anything.
    const { verify: _, ...spec } = toSourceSpec(repository).spec
    const mirror: Mirror = await createMirror(spec, {
      directory,
      credential: (name) => credentials[name],
    })
    closing.push(() => mirror.close())
    const revision = await mirror.fetch(signal)
    return { mirror, revision, commit: parseRevision(revision).commit }
  }

  return (repository: Declared<RepositorySpec>): Promise<Snapshot> => {
    const found = fetched.get(repository.name) ?? fetchMirror(repository)
    fetched.set(repository.name, found)
    return found
  }
}
