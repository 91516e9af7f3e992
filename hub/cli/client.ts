import { type EventGap, type EventView, operations } from '../client/gen/api.ts'
import {
  type Answer,
  type Asked,
  type ItemOf,
  type ListId,
  type OperationId,
  type Request,
  TooManyPages,
  buildRequest,
  readPages,
} from '../client/request.ts'
import type { Connection } from './config.ts'
import { CliFailure } from './failure.ts'
import { readServerEvents } from './server-events.ts'
import type { Fetch, HttpAnswer } from './terminal.ts'

/** The hub's REST API by the operations of its OpenAPI document; answers are checked against its schemas. */
export interface Client {
  readonly server: string
  /** @throws CliFailure */
  call<K extends OperationId>(
    id: K,
    asked: Asked<K> & { readonly signal: AbortSignal },
  ): Promise<Answer<K>>
  /** All pages of a list, `mostPages` of 500 at most. @throws CliFailure */
  list<K extends ListId>(
    id: K,
    asked: Asked<K> & { readonly signal: AbortSignal },
  ): Promise<readonly ItemOf<K>[]>
  /** Events after an id, and gaps between them, until the hub ends the stream or the signal aborts. */
  follow(after: string | null, signal: AbortSignal): AsyncIterable<EventView | EventGap>
}

/** Bytes; more than any answer of the hub. */
const answerLimit = 64 * 1024 * 1024
/** Milliseconds for one answer; planning renders, which takes its time. */
const answerTimeout = 120_000
/** What a hub says of a path that no release up to its own has. */
const noSuchPath = 'No such resource'
const pageSize = 500
const mostPages = 100

/** What answers are judged by takes longer to load than many a command; it does so while the hub works. */
const loadSchemas = () => import('./answer-schemas.ts')

export function createClient(connection: Connection, fetchAnswer: Fetch): Client {
  const { server, token } = connection

  async function send(
    { method, path, body }: Request,
    accept: string,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    let response: HttpAnswer
    try {
      response = await fetchAnswer(new URL(`${server}${path}`), {
        method,
        headers: {
          accept,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal,
      })
    } catch (cause) {
      throw unreachable(server, cause)
    }
    if (response.ok) return response
    const text = await readText(response).catch(() => '')
    throw await refusal(response, text, token !== undefined)
  }

  async function call<K extends OperationId>(
    id: K,
    asked: Asked<K> & { readonly signal: AbortSignal },
  ): Promise<Answer<K>> {
    const signal = AbortSignal.any([asked.signal, AbortSignal.timeout(answerTimeout)])
    const { answer } = operations[id]
    const sent = send(buildRequest(id, asked), 'application/json', signal)
    if (answer === null) {
      // Read to its end all the same: its connection would keep the program until it is given up.
      await readText(await sent)
      return undefined
    }
    const [response, { listFaults }] = await Promise.all([sent, loadSchemas()])
    const value = parseJson(await readText(response), server)
    const faults = listFaults(answer, value)
    if (faults.length === 0) return value as Answer<K>
    throw new CliFailure(2, `${server} answered in a shape this swell does not know`, {
      hint: 'compare `swell version` with the hub',
      lines: faults,
    })
  }

  return {
    server,
    call,
    list: async <K extends ListId>(
      id: K,
      asked: Asked<K> & { readonly signal: AbortSignal },
    ): Promise<readonly ItemOf<K>[]> => {
      const { query = {} } = asked as { readonly query?: object }
      try {
        return await readPages<K>((more) => call(id, { ...asked, query: { ...query, ...more } }), {
          limit: pageSize,
          mostPages,
        })
      } catch (cause) {
        if (!(cause instanceof TooManyPages)) throw cause
        throw new CliFailure(2, cause.message, { hint: 'narrow it down with -l', cause })
      }
    },
    follow: async function* (after, signal) {
      const asked = after === null ? {} : { query: { after } }
      const response = await send(buildRequest('streamEvents', asked), 'text/event-stream', signal)
      if (!response.body) return
      const { listFaults } = await loadSchemas()
      for await (const { name, data } of readServerEvents(response.body)) {
        const value = parseJson(data, server)
        const shape = name === 'gap' ? 'EventGap' : 'EventView'
        if (listFaults(shape, value).length === 0) yield value as EventView | EventGap
      }
    },
  }
}

/** @throws CliFailure when it is too long */
export async function readText(response: HttpAnswer): Promise<string> {
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

async function refusal(
  response: HttpAnswer,
  text: string,
  authenticated: boolean,
): Promise<CliFailure> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  const { status } = response
  const { isProblem } = await loadSchemas()
  if (!isProblem(value)) {
    return new CliFailure(2, `the hub answered ${status} ${response.statusText}`, { status })
  }
  const hints: Readonly<Record<number, string>> = {
    401: authenticated
      ? 'the token is wrong or no longer valid'
      : 'set SWELL_TOKEN, pass --token-file FILE, or add a token to the configuration file',
    403: 'ask someone with that role',
    404: value.detail === noSuchPath ? 'this hub may be older: compare `swell version`' : '',
    500: `look for ${value.instance} in the hub's log`,
    503: 'try again; `swell doctor` says what is not well',
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
