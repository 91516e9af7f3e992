import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { withoutFacts } from './asked-facts.ts'
import type { RenderEngine, RenderFiles, RenderInput, RenderResult } from './engine.ts'
import { renderInputDigest } from './input.ts'
import { createQuestions, keyOfAsked } from './questions.ts'

/** Where results are kept, by the digest of their input. Losing any of them costs a render. */
export interface RenderStore {
  get(digest: Digest): Promise<RenderResult | undefined>
  put(digest: Digest, result: RenderResult): Promise<void>
}

/**
 * An engine in front of another one: identical inputs render exactly once, also when asked for at
 * the same time. Failures are not kept. What differs only in facts of the cluster that a render
 * did not ask for, is identical.
 *
 * A render goes on as long as one caller still waits for it; it is aborted with the last.
 */
export function createCachedEngine(engine: RenderEngine, store: RenderStore): RenderEngine {
  const running = new Map<Digest, Flight>()
  const questions = createQuestions(rememberedQuestions)

  /** What it asked when it was rendered last is kept beside results, for the next process. */
  async function recallAsked(base: Digest): Promise<void> {
    if (questions.has(base)) return
    const asked = (await store.get(nameAsked(base)))?.asked
    if (asked) questions.note(base, asked)
  }

  async function keep(digest: Digest, input: RenderInput, result: RenderResult): Promise<void> {
    const { asked } = result
    if (!asked) return store.put(digest, result)
    const base = renderInputDigest(withoutFacts(input), engine.version)
    questions.note(base, asked)
    await store.put(nameAsked(base), { objects: [], warnings: [], asked })
    await store.put(keyOfAsked(base, asked, input), result)
  }

  async function findKnown(digest: Digest, input: RenderInput): Promise<RenderResult | undefined> {
    if (input.kind !== 'helm') return store.get(digest)
    const base = renderInputDigest(withoutFacts(input), engine.version)
    await recallAsked(base)
    for (const key of questions.keysOf(base, input)) {
      const known = await store.get(key)
      if (known) return known
    }
    return store.get(digest)
  }

  async function renderOnce(
    digest: Digest,
    input: RenderInput,
    files: () => Promise<RenderFiles>,
    signal: AbortSignal,
  ): Promise<RenderResult> {
    const known = await findKnown(digest, input)
    if (known) return known
    const result = await engine.render(input, files, signal)
    await keep(digest, input, result)
    return result
  }

  return {
    version: engine.version,
    async render(input, files, signal) {
      signal.throwIfAborted()
      const digest = renderInputDigest(input, engine.version)
      let flight = running.get(digest)
      if (!flight) {
        const abort = new AbortController()
        const result = renderOnce(digest, input, files, abort.signal)
        flight = { abort, result, waiting: 0 }
        running.set(digest, flight)
        const settled = flight
        const forget = () => running.get(digest) === settled && running.delete(digest)
        result.then(forget, forget)
      }
      return join(flight, signal, () => running.delete(digest))
    },
    close: () => engine.close(),
  }
}

const rememberedQuestions = 20_000

function nameAsked(base: Digest): Digest {
  return digestOf(`asked ${base}`)
}

interface Flight {
  readonly abort: AbortController
  readonly result: Promise<RenderResult>
  waiting: number
}

function join(flight: Flight, signal: AbortSignal, forget: () => void): Promise<RenderResult> {
  flight.waiting += 1
  return new Promise((resolve, reject) => {
    const leave = () => {
      flight.waiting -= 1
      if (flight.waiting === 0) {
        // A later caller must not join a render that is being given up.
        forget()
        flight.abort.abort(signal.reason)
      }
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', leave, { once: true })
    const arrive = () => signal.removeEventListener('abort', leave)
    flight.result.then(resolve, reject).then(arrive, arrive)
  })
}

/** Keeps results in memory, the least recently used dropped past `bytes` of object text. */
export function createMemoryRenderStore(bytes: number): RenderStore {
  const kept = new Map<Digest, { readonly result: RenderResult; readonly size: number }>()
  let total = 0
  const drop = (digest: Digest) => {
    total -= kept.get(digest)?.size ?? 0
    kept.delete(digest)
  }
  return {
    get(digest) {
      const found = kept.get(digest)
      if (found) {
        kept.delete(digest)
        kept.set(digest, found)
      }
      return Promise.resolve(found?.result)
    },
    put(digest, result) {
      const size = result.objects.reduce((sum, object) => sum + object.json.length + 200, 200)
      drop(digest)
      if (size > bytes) return Promise.resolve()
      kept.set(digest, { result, size })
      total += size
      for (const oldest of kept.keys()) {
        if (total <= bytes) break
        drop(oldest)
      }
      return Promise.resolve()
    },
  }
}
