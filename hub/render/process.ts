import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Digest } from '@groundswell/proto/digest.ts'
import { HubError } from '../errors.ts'
import { type Answer, parseAnswer, renderFailed } from './answer.ts'
import type { EngineWorkers, LentWorker } from './workers.ts'
import type { RenderEngine, RenderFiles, RenderInput, RenderResult } from './engine.ts'
import { createFrameReader, encodeFrame } from './frames.ts'
import { createPool, type PoolWorker } from './pool.ts'

export interface RenderEngineOptions {
  /** Path of the engine built from hub/engine. */
  readonly binary: string
  /** Processes kept warm; one render each at a time. */
  readonly workers: number
  /** Bytes a process may hold before it ends itself. */
  readonly memoryBytes: number
  /** Milliseconds for one render, and for taking in one tree. */
  readonly timeoutMs: number
  /** Renders that may wait for a worker; 1000 when left out. */
  readonly maxWaiting?: number
  /** Working directory of the processes, kept empty; one of its own when left out. */
  readonly directory?: string
  readonly log?: (message: string, detail: Readonly<Record<string, unknown>>) => void
}

const pieceBytes = 256 * 1024
/** The most that one render gives. */
export const answerBytes = 65 * 1024 * 1024
const treeBytes = 128 * 1024 * 1024
/** What a process may need to start, in milliseconds, on a machine that is busy. */
const startMs = 10_000
/** As many trees, and as many policies, as a process keeps at most. */
const rememberedIds = 128
/** The engine's own word for: I took more memory than I was given. */
const exitMemory = 77

/**
 * The engine as a pool of warm processes with an empty environment and working directory. One that
 * takes too long, too much memory or answers nonsense is killed and replaced.
 *
 * @throws HubError `engine_unavailable` when the binary is not there or does not answer
 */
export async function createRenderEngine(
  options: RenderEngineOptions,
): Promise<RenderEngine & EngineWorkers> {
  const version = await digestFile(options.binary).catch((cause: unknown) => {
    throw new HubError(
      'engine_unavailable',
      `no render engine at ${JSON.stringify(options.binary)}: run \`npm run setup\`, which builds one, or give --engine`,
      { cause },
    )
  })
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'groundswell-engine-')))
  await mkdir(directory, { recursive: true })
  const pool = createPool({
    size: options.workers,
    maxWaiting: options.maxWaiting ?? 1000,
    start: () => startWorker(options, directory),
  })
  const close = async () => {
    pool.close()
    await rm(directory, { recursive: true, force: true })
  }

  try {
    const first = await pool.take(() => true, new AbortController().signal)
    await first.ask({ op: 'hello' }, new AbortController().signal)
    pool.give(first)
  } catch (cause) {
    await close()
    throw new HubError('engine_unavailable', 'the render engine does not start', { cause })
  }

  async function lend<T>(
    id: string,
    signal: AbortSignal,
    work: (worker: LentWorker) => Promise<T>,
  ): Promise<T> {
    const worker = await pool.take((each) => each.given.has(id), signal)
    try {
      return await work(worker)
    } finally {
      pool.give(worker)
    }
  }

  return {
    version,
    lend,
    render: (input, files, signal) =>
      lend(input.treeId, signal, (worker) => renderOn(worker, input, files, signal)),
    close,
  }
}

/** Piece by piece: forty megabytes at once are memory to find, and a tenth of a second in which nobody else is served. */
async function digestFile(path: string): Promise<Digest> {
  const hash = createHash('sha256')
  const file = await open(path)
  for await (const piece of file.createReadStream({ highWaterMark: pieceBytes })) {
    hash.update(piece as Buffer)
  }
  return `sha256:${hash.digest('hex')}`
}

async function renderOn(
  worker: LentWorker,
  input: RenderInput,
  files: () => Promise<RenderFiles>,
  signal: AbortSignal,
): Promise<RenderResult> {
  const render = { op: 'render', input }
  const withTree = async () => {
    const tree = await files()
    signal.throwIfAborted()
    const request = { ...render, files: encodeTree(tree) }
    worker.given.add(input.treeId)
    return worker.ask(request, signal)
  }
  let answer = worker.given.has(input.treeId) ? await worker.ask(render, signal) : await withTree()
  if (answer.kind === 'needTree') answer = await withTree()
  switch (answer.kind) {
    case 'done':
      return answer.result
    case 'failed':
      throw renderFailed(input, answer.faults)
    case 'needTree':
    case 'needPolicy':
      throw new HubError('internal', 'the render engine forgot a tree at once')
    default:
      return answer satisfies never
  }
}

function encodeTree(tree: RenderFiles): Readonly<Record<string, string>> {
  const files: Record<string, string> = Object.create(null) as Record<string, string>
  let size = 0
  for (const [path, bytes] of tree) {
    size += bytes.byteLength
    if (size > treeBytes) {
      throw new HubError('render_failed', `the tree is larger than ${treeBytes} bytes`)
    }
    files[path] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  }
  return files
}

type Worker = PoolWorker & LentWorker

function startWorker(options: RenderEngineOptions, directory: string): Worker {
  const child = spawn(options.binary, ['-memory', String(options.memoryBytes)], {
    cwd: directory,
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const reader = createFrameReader(answerBytes)
  /** The start of what this request made it write to standard error. */
  let complaints = ''
  let failure: HubError | undefined
  /** It takes a moment to start, which is not the render's fault. */
  let hasAnswered = false
  let pending: { resolve(answer: Answer): void; reject(error: unknown): void } | undefined

  /** Ends the process and whatever waits for it; the first reason counts. */
  function fail(error: unknown): void {
    failure ??=
      error instanceof HubError
        ? error
        : new HubError('engine_unavailable', 'the render engine was stopped', { cause: error })
    child.kill('SIGKILL')
    pending?.reject(error)
    pending = undefined
  }

  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(0, 2000)
  })
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) {
        hasAnswered = true
        pending?.resolve(parseAnswer(frame))
        pending = undefined
      }
    } catch (cause) {
      fail(new HubError('render_failed', 'the render engine gave no readable answer', { cause }))
    }
  })
  // A write to a process that just died; its exit says why.
  child.stdin.on('error', () => undefined)
  child.on('error', (cause) => {
    fail(new HubError('engine_unavailable', 'the render engine does not start', { cause }))
  })
  child.on('close', (code, by) => {
    if (failure) return
    const outOfMemory = code === exitMemory || complaints.includes('out of memory')
    const reason = outOfMemory ? memoryWords(options) : crashWords(code, by, complaints)
    options.log?.('render engine ended', { code, signal: by, stderr: complaints })
    fail(new HubError('render_failed', reason))
  })
  return {
    given: createRecent(rememberedIds),
    get isAlive() {
      return failure === undefined
    },
    kill: () => fail(new HubError('engine_unavailable', 'the engine is closed')),
    ask(request, signal) {
      if (signal.aborted) return Promise.reject(signal.reason as Error)
      if (failure) return Promise.reject(failure)
      complaints = ''
      return new Promise((resolve, reject) => {
        const abandon = () => fail(signal.reason)
        const most = options.timeoutMs + (hasAnswered ? 0 : startMs)
        const timer = setTimeout(() => {
          const words = `the render took longer than ${options.timeoutMs} ms and was stopped; look for a loop in it`
          options.log?.('render engine killed', { reason: words })
          fail(new HubError('render_timeout', words))
        }, most)
        const done = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', abandon)
        }
        signal.addEventListener('abort', abandon, { once: true })
        pending = {
          resolve: (answer) => (done(), resolve(answer)),
          reject: (error) => (done(), reject(error)),
        }
        child.stdin.write(encodeFrame(JSON.stringify(request)))
      })
    },
  }
}

/** Remembers the names added last, so many at most. */
function createRecent(most: number): Pick<Set<string>, 'has' | 'add'> {
  const names = new Set<string>()
  return {
    has: (name) => names.has(name),
    add(name) {
      names.delete(name)
      const [oldest] = names
      if (names.size >= most && oldest !== undefined) names.delete(oldest)
      return names.add(name)
    },
  }
}

function memoryWords(options: RenderEngineOptions): string {
  return `the render needs more than ${Math.round(options.memoryBytes / 1024 / 1024)} MiB of memory and was stopped; look for what grows in it`
}

function crashWords(code: number | null, by: string | null, complaints: string): string {
  const [first = ''] = complaints.split('\n')
  return `the render engine ended (${by ?? `status ${code}`}): ${first || 'without a word'}`
}
