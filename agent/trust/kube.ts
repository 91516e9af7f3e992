import { randomUUID } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { systemClock } from '../cluster/clock.ts'
import type { Connection } from '../cluster/connection.ts'
import { type Answer, createApiClient } from '../cluster/http.ts'
import { AgentError } from '../errors.ts'
import { formatState, parseState } from './state-text.ts'
import type { StateCopy } from './state.ts'

export interface SecretName {
  readonly namespace: string
  readonly name: string
}

export interface SecretCopy extends StateCopy {
  close(): Promise<void>
}

const member = 'state'
/** Tells the writes of one process from those of a twin, which may well write the same. */
const writtenBy = 'groundswell.dev/written-by'
const attempts = 4
const retryMs = 250
const answerMs = 20_000
/** A state is a snapshot, a root and a few numbers; what unpacks to more was never ours. */
const unpackedLimit = 4 * 1024 * 1024

interface Secret {
  readonly metadata: {
    readonly resourceVersion: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly data?: Readonly<Record<string, string>>
}

/**
 * Trust state in a Secret: it lives as long as the cluster, wherever the agent's pod runs. Each
 * write replaces the very version that was read or written last, so of two agents on one cluster
 * the second to write learns of the first.
 */
export function createSecretCopy(
  connection: Connection,
  { namespace, name }: SecretName,
  clock: Pick<typeof systemClock, 'sleep'> = systemClock,
): SecretCopy {
  const client = createApiClient(connection)
  const folder = `/api/v1/namespaces/${namespace}/secrets`
  const path = `${folder}/${name}`
  const label = `Secret ${namespace}/${name}`
  /** Of the Secret as we know it; undefined when there is none. */
  let version: string | undefined
  let known = false
  const writer = randomUUID()

  async function send(method: 'GET' | 'POST' | 'PUT', at: string, body?: string): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const signal = AbortSignal.timeout(answerMs)
      const type = body === undefined ? {} : { body, contentType: 'application/json' }
      try {
        const answer = await client.send({ method, path: at, ...type, signal })
        const passing = answer.status === 429 || answer.status >= 500
        if (!passing || attempt >= attempts) return answer
      } catch (cause) {
        if (attempt < attempts) {
          await clock.sleep(retryMs * 2 ** attempt, new AbortController().signal)
          continue
        }
        const message = `${label}: ${(cause as Error).message}`
        throw new AgentError('cluster_unreachable', message, { cause })
      }
      await clock.sleep(retryMs * 2 ** attempt, new AbortController().signal)
    }
  }

  async function read(): Promise<Secret | undefined> {
    const answer = await send('GET', path)
    if (answer.status === 404) return undefined
    if (answer.status !== 200) {
      throw new AgentError('cluster_unreachable', `${label} cannot be read: ${answer.status}`)
    }
    return JSON.parse(answer.body) as Secret
  }

  function readOrFail(): Promise<Secret | undefined> {
    return read().catch((cause: unknown) => {
      throw new AgentError('trust_state_unwritable', (cause as Error).message, { cause })
    })
  }

  return {
    name: label,

    async load() {
      const secret = await read()
      version = secret?.metadata.resourceVersion
      known = true
      if (!secret) return null
      try {
        const packed = Buffer.from(secret.data?.[member] ?? '', 'base64')
        return parseState(gunzipSync(packed, { maxOutputLength: unpackedLimit }).toString())
      } catch (cause) {
        throw new AgentError('trust_state_corrupt', `${label} is damaged`, { cause })
      }
    },

    async save(state) {
      const packed = gzipSync(formatState(state)).toString('base64')
      // Written without being read only by an agent that has just joined: what was there is past.
      if (!known) version = (await readOrFail())?.metadata.resourceVersion
      known = true
      const body = JSON.stringify({
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name,
          namespace,
          annotations: { [writtenBy]: writer },
          labels: { 'app.kubernetes.io/name': 'groundswell-agent' },
          ...(version === undefined ? {} : { resourceVersion: version }),
        },
        type: 'Opaque',
        data: { [member]: packed },
      })
      const answer = await (
        version === undefined ? send('POST', folder, body) : send('PUT', path, body)
      ).catch((cause: unknown) => {
        throw new AgentError('trust_state_unwritable', (cause as Error).message, { cause })
      })
      if (answer.status === 409) {
        // Perhaps our own write, whose answer was lost on the way.
        const now = await readOrFail()
        const ours = now?.metadata.annotations?.[writtenBy] === writer
        if (!now || !ours || now.data?.[member] !== packed) {
          throw new AgentError('another_agent', `${label} was written by another agent`)
        }
        version = now.metadata.resourceVersion
        return
      }
      if (answer.status !== 200 && answer.status !== 201) {
        throw new AgentError(
          'trust_state_unwritable',
          `${label} cannot be written: ${answer.status} ${answer.body.slice(0, 200)}`,
        )
      }
      version = (JSON.parse(answer.body) as Secret).metadata.resourceVersion
    },

    close: () => client.close(),
  }
}
