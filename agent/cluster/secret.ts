import { AgentError } from '../errors.ts'
import type { Clock } from './clock.ts'
import type { Answer, ApiClient } from './http.ts'

export interface SecretName {
  readonly namespace: string
  readonly name: string
}

/** One member of one Secret, which one process at a time may write. */
export interface SecretSlot {
  /** For people: `Secret namespace/name`. */
  readonly label: string
  /**
   * What is in it, empty when the Secret has no such member; null when there is no Secret.
   * @throws AgentError `cluster_unreachable`
   */
  read(): Promise<Buffer | null>
  /** @throws AgentError `another_agent` when it was written since we knew it, `trust_state_unwritable` */
  write(bytes: Uint8Array): Promise<void>
  /** @throws AgentError `another_agent` when another process wrote it since, `cluster_unreachable` */
  confirm(): Promise<void>
}

export interface SecretSlotDeps {
  readonly client: Pick<ApiClient, 'send'>
  readonly clock: Pick<Clock, 'sleep'>
  readonly secret: SecretName
  readonly member: string
  /** Tells the writes of this process from those of a twin, which may well write the same. */
  readonly writer: string
}

const writtenBy = 'groundswell.dev/written-by'
const retryMs = 250
const patience = { attempts: 4, answerMs: 20_000 }
/** A look in passing, which must hold nothing up. */
const glance = { attempts: 1, answerMs: 5_000 }

interface Secret {
  readonly metadata: {
    readonly resourceVersion: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly managedFields?: unknown
  }
  readonly data?: Readonly<Record<string, string>>
}

/**
 * Each write replaces the very version that was read or written last, so of two processes that
 * have one Secret the second to write learns of the first.
 */
export function createSecretSlot(deps: SecretSlotDeps): SecretSlot {
  const { client, clock, member, writer } = deps
  const { namespace, name } = deps.secret
  const folder = `/api/v1/namespaces/${namespace}/secrets`
  const path = `${folder}/${name}`
  const label = `Secret ${namespace}/${name}`
  /** As it is now, as far as we know; null when there is none, undefined before the first look. */
  let known: Pick<Secret, 'metadata'> | null | undefined

  async function send(
    method: 'GET' | 'POST' | 'PUT',
    at: string,
    body?: string,
    { attempts, answerMs } = patience,
  ): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const signal = AbortSignal.timeout(answerMs)
      const type = body === undefined ? {} : { body, contentType: 'application/json' }
      try {
        const answer = await client.send({ method, path: at, ...type, signal })
        const passing = answer.status === 429 || answer.status >= 500
        if (!passing || attempt >= attempts) return answer
      } catch (cause) {
        if (attempt >= attempts) {
          const message = `${label}: ${(cause as Error).message}`
          throw new AgentError('cluster_unreachable', message, { cause })
        }
      }
      await clock.sleep(retryMs * 2 ** attempt, new AbortController().signal)
    }
  }

  async function get(with_ = patience): Promise<Secret | null> {
    const answer = await send('GET', path, undefined, with_)
    if (answer.status === 404) return null
    if (answer.status !== 200) {
      throw new AgentError('cluster_unreachable', `${label} cannot be read: ${wordsOf(answer)}`)
    }
    return JSON.parse(answer.body) as Secret
  }

  const isOurs = (secret: Secret | null): boolean =>
    secret?.metadata.annotations?.[writtenBy] === writer

  function overtaken(): AgentError {
    return new AgentError('another_agent', `${label} was written by another agent`)
  }

  function bodyOf(packed: string): string {
    // Who installed us may have marked it. Left out, the managers of its fields stay as they are.
    const { managedFields: _, ...metadata } = known?.metadata ?? {}
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        ...metadata,
        name,
        namespace,
        annotations: { ...known?.metadata.annotations, [writtenBy]: writer },
        labels: { 'app.kubernetes.io/name': 'groundswell-agent', ...known?.metadata.labels },
      },
      type: 'Opaque',
      data: { [member]: packed },
    })
  }

  async function put(packed: string): Promise<void> {
    // Written without being read only by an agent that has just joined: what was there is past.
    if (known === undefined) know(await get())
    const body = bodyOf(packed)
    const answer = await (known ? send('PUT', path, body) : send('POST', folder, body))
    if (answer.status === 409) {
      // Perhaps our own write, whose answer was lost on the way.
      const now = await get()
      if (!now || !isOurs(now) || now.data?.[member] !== packed) throw overtaken()
      know(now)
      return
    }
    if (answer.status !== 200 && answer.status !== 201) {
      const message = `${label} cannot be written: ${wordsOf(answer)}`
      throw new AgentError('trust_state_unwritable', message)
    }
    know(JSON.parse(answer.body) as Secret)
  }

  /** All but the content, which is large and replaced whole. */
  function know(secret: Secret | null): void {
    known = secret && { metadata: secret.metadata }
  }

  return {
    label,

    async read() {
      const now = await get()
      know(now)
      return now && Buffer.from(now.data?.[member] ?? '', 'base64')
    },

    async write(bytes) {
      try {
        await put(Buffer.from(bytes).toString('base64'))
      } catch (cause) {
        if (!(cause instanceof AgentError) || cause.code !== 'cluster_unreachable') throw cause
        throw new AgentError('trust_state_unwritable', cause.message, { cause })
      }
    },

    async confirm() {
      if (!isOurs(await get(glance))) throw overtaken()
    },
  }
}

/** A refusal of what was sent may quote it; one of who sent it says what to grant. */
function wordsOf({ status, body }: Answer): string {
  return status === 403 || status === 404 ? `${status} ${body.slice(0, 400)}` : `${status}`
}
