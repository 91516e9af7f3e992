import { randomBytes } from 'node:crypto'
import { type RecordSpan, type Span, type Tracing, encodeSpans } from '../trace.ts'

export interface OtlpOptions extends Tracing {
  /** Of a collector, such as `http://collector:4318`; `/v1/traces` is added where there is no path. */
  readonly url: string
  readonly log: (message: string) => void
}

export interface OtlpExporter extends AsyncDisposable {
  readonly record: RecordSpan
}

const flushMs = 1_000
const batch = 512
/** Spans that wait for a collector that is away; beyond that the newest are left out. */
const mostWaiting = 4_096
const timeoutMs = 5_000

/**
 * Sends spans to a collector by OTLP over HTTP, in JSON. Whoever works never waits for it: what
 * cannot be sent is tried once more with what comes next, and then left out.
 */
export function createOtlpExporter({ url, log, ...tracing }: OtlpOptions): OtlpExporter {
  const target = new URL(url)
  if (target.pathname === '/') target.pathname = '/v1/traces'
  let waiting: Span[] = []
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<void> | undefined
  let wasAway = false

  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const spans = waiting.slice(0, batch)
      const newId = (): string => randomBytes(8).toString('hex')
      const response = await fetch(target, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(encodeSpans(tracing, spans, newId)),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      })
      await response.body?.cancel()
      // What a collector refuses it would refuse again.
      if (response.status >= 500 || response.status === 429)
        throw new Error(`it answered ${response.status}`)
      if (!response.ok) log(`the collector of traces refused spans: ${response.status}`)
      waiting = waiting.slice(spans.length)
      wasAway = false
    }
  }

  function flush(): Promise<void> {
    sending ??= send()
      .catch((error: unknown) => {
        if (!wasAway) log(`the collector of traces is away: ${(error as Error).message}`)
        wasAway = true
      })
      .finally(() => {
        sending = undefined
      })
    return sending
  }

  return {
    record(span) {
      if (waiting.length >= mostWaiting) return
      waiting.push(span)
      if (timer) return
      timer = setTimeout(() => {
        timer = undefined
        void flush()
      }, flushMs)
      timer.unref()
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      await flush()
    },
  }
}
