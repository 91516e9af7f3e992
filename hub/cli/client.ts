import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Problem } from '../api/problem.ts'
import { EventView } from '../api/views.ts'
import type { Connection } from './config.ts'
import { CliFailure } from './failure.ts'
import { readServerEvents } from './server-events.ts'
import type { Fetch } from './terminal.ts'

interface Sending extends Ask {
  readonly method?: 'DELETE'
}

export interface Ask {
  readonly query?: Readonly<Record<string, string | undefined>>
  /** Makes it a POST. */
  readonly body?: Readonly<Record<string, unknown>>
  readonly signal: AbortSignal
}

/** The hub's REST API, checked against the schemas it is served with. */
export interface Client {
  readonly server: string
  /** @throws CliFailure */
  ask<S extends TSchema>(path: string, schema: S, ask: Ask): Promise<Static<S>>
  /** Asks for something that has no answer but that it was done. @throws CliFailure */
  tell(path: string, ask: Ask): Promise<void>
  /** @throws CliFailure */
  remove(path: string, signal: AbortSignal): Promise<void>
  /** Events after an id until the hub ends the stream or the signal aborts. */
  follow(after: string | null, signal: AbortSignal): AsyncIterable<Static<typeof EventView>>
}

/** Bytes; more than any answer of the hub. */
const answerLimit = 64 * 1024 * 1024
/** Milliseconds for one answer; planning renders, which takes its time. */
const answerTimeout = 120_000
const problem = Compile(Problem)
const event = Compile(EventView)

export function createClient(connection: Connection, fetchAnswer: Fetch): Client {
  const { server, token } = connection

  async function send(path: string, ask: Sending, accept: string): Promise<Response> {
    const url = new URL(`${server}/api/v1/${path}`)
    for (const [name, value] of Object.entries(ask.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value)
    }
    let response: Response
    try {
      response = await fetchAnswer(url, {
        method: ask.method ?? (ask.body ? 'POST' : 'GET'),
        headers: {
          accept,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(ask.body && { 'content-type': 'application/json' }),
        },
        ...(ask.body && { body: JSON.stringify(ask.body) }),
        // The token is for this hub, not for wherever it might point.
        redirect: 'error',
        signal: ask.signal,
      })
    } catch (cause) {
      throw unreachable(server, cause)
    }
    if (response.ok) return response
    throw refusal(response, await readText(response).catch(() => ''), token !== undefined)
  }

  return {
    server,
    ask: async (path, schema, ask) => {
      const timeout = AbortSignal.timeout(answerTimeout)
      const signal = AbortSignal.any([ask.signal, timeout])
      const response = await send(path, { ...ask, signal }, 'application/json')
      const value = parseJson(await readText(response), server)
      const validator = Compile(schema)
      if (validator.Check(value)) return value
      throw new CliFailure(2, `${server} answered in a shape this swell does not know`, {
        hint: 'compare `swell version` with the hub',
        lines: validator
          .Errors(value)
          .slice(0, 5)
          .map((error) => `${error.instancePath}: ${error.message}`),
      })
    },
    tell: async (path, ask) => {
      const signal = AbortSignal.any([ask.signal, AbortSignal.timeout(answerTimeout)])
      await send(path, { ...ask, signal }, 'application/json')
    },
    remove: async (path, signal) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(answerTimeout)])
      await send(path, { method: 'DELETE', signal: limit }, 'application/json')
    },
    follow: async function* (after, signal) {
      const query = after === null ? {} : { query: { after } }
      const response = await send('events/stream', { ...query, signal }, 'text/event-stream')
      if (!response.body) return
      for await (const data of readServerEvents(response.body)) {
        const value = parseJson(data, server)
        if (event.Check(value)) yield value
      }
    },
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > answerLimit) throw new CliFailure(2, 'the answer is larger than 64 MiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function parseJson(text: string, server: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CliFailure(2, `${server} did not answer with JSON`, {
      hint: 'is this the address of the hub itself?',
      cause,
    })
  }
}

function refusal(response: Response, text: string, authenticated: boolean): CliFailure {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  const { status } = response
  if (!problem.Check(value)) {
    return new CliFailure(2, `the hub answered ${status} ${response.statusText}`, { status })
  }
  const hints: Readonly<Record<number, string>> = {
    401: authenticated
      ? 'the token is wrong or no longer valid'
      : 'set SWELL_TOKEN, pass --token-file FILE, or add a token to the configuration file',
    403: 'ask someone with that role',
    500: `look for ${value.instance} in the hub's log`,
    503: 'try again; `swell fleet` and /readyz of the hub say more',
  }
  return new CliFailure(1, value.detail || value.title, {
    status,
    hint: hints[status] ?? '',
    lines: value.errors.map((fault) =>
      [
        [fault.file, fault.line, fault.column].filter((part) => part !== undefined).join(':'),
        fault.object,
        fault.cluster && `cluster ${fault.cluster}`,
        fault.message,
      ]
        .filter(Boolean)
        .join(': '),
    ),
  })
}

function unreachable(server: string, cause: unknown): CliFailure {
  const timedOut = cause instanceof Error && cause.name === 'TimeoutError'
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const reason = timedOut ? 'no answer in time' : inner instanceof Error ? inner.message : ''
  return new CliFailure(2, `cannot reach the hub at ${server}${reason && `: ${reason}`}`, {
    hint: 'is it running, and is the address right? (--server, SWELL_SERVER)',
    cause,
  })
}
