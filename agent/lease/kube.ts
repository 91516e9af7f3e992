import type { Connection } from '../cluster/connection.ts'
import { type Answer, createApiClient } from '../cluster/http.ts'
import type { SecretName } from '../cluster/secret.ts'
import { AgentError } from '../errors.ts'
import { type LeaseRecord, leaseMs } from './lease.ts'

/** A Lease as it was read. */
export interface ReadLease {
  readonly record: LeaseRecord
  /** Of the API server; it changes with every write. */
  readonly version: string
}

export interface LeaseStore {
  /** For people. */
  readonly label: string
  /**
   * Null when it may not be read, as of an agent that was installed before there was one.
   * @throws AgentError `cluster_unreachable`
   */
  read(): Promise<ReadLease | null>
  /**
   * Replaces what was read; null when somebody else has done so meanwhile.
   * @throws AgentError `cluster_unreachable`, `apply_forbidden`
   */
  write(record: LeaseRecord, before: ReadLease): Promise<ReadLease | null>
  close(): Promise<void>
}

/** Less than others wait. An API server that takes longer for one write does not get an application brought either. */
const answerMs = 10_000
const notes = {
  version: 'groundswell.dev/agent-version',
  relieved: 'groundswell.dev/relieved',
} as const

interface Lease {
  readonly metadata: {
    readonly resourceVersion?: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly managedFields?: unknown
  }
  readonly spec?: { readonly holderIdentity?: string; readonly leaseTransitions?: number }
}

/** The agent's turn as a Lease of the Kubernetes API. `now` is for people who look at it. */
export function createLeaseStore(
  connection: Connection,
  { namespace, name }: SecretName,
  now: () => number,
): LeaseStore {
  const client = createApiClient(connection, { shares: true })
  const folder = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
  const path = `${folder}/${name}`
  const label = `Lease ${namespace}/${name}`
  let known: Lease | null = null

  async function send(method: 'GET' | 'POST' | 'PUT', at: string, body?: object): Promise<Answer> {
    const text = body && { body: JSON.stringify(body), contentType: 'application/json' }
    try {
      return await client.send({ method, path: at, ...text, signal: AbortSignal.timeout(answerMs) })
    } catch (cause) {
      const message = `${label}: ${(cause as Error).message}`
      throw new AgentError('cluster_unreachable', message, { cause })
    }
  }

  function take(lease: Lease): ReadLease {
    known = lease
    const { annotations = {}, resourceVersion = '' } = lease.metadata
    const record = {
      holder: lease.spec?.holderIdentity ?? '',
      version: annotations[notes.version] ?? '',
      relieved: (annotations[notes.relieved] ?? '').split(' ').filter(Boolean),
    }
    return { record, version: resourceVersion }
  }

  function bodyOf(record: LeaseRecord): object {
    const { managedFields: _, ...metadata } = known?.metadata ?? {}
    const at = new Date(now()).toISOString().replace('Z', '000Z')
    const sameHolder = known?.spec?.holderIdentity === record.holder
    const transitions = (known?.spec?.leaseTransitions ?? 0) + (sameHolder ? 0 : 1)
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        ...metadata,
        name,
        namespace,
        annotations: {
          ...known?.metadata.annotations,
          [notes.version]: record.version,
          [notes.relieved]: record.relieved.join(' '),
        },
      },
      spec: {
        holderIdentity: record.holder,
        leaseDurationSeconds: leaseMs / 1000,
        leaseTransitions: transitions,
        renewTime: at,
      },
    }
  }

  return {
    label,

    async read() {
      const answer = await send('GET', path)
      if (answer.status === 403) return null
      if (answer.status === 404) {
        known = null
        return { record: { holder: '', version: '', relieved: [] }, version: '' }
      }
      if (answer.status !== 200) throw refused(answer)
      return take(JSON.parse(answer.body) as Lease)
    },

    async write(record, before) {
      if (known && known.metadata.resourceVersion !== before.version) return null
      const body = bodyOf(record)
      const answer = await (known ? send('PUT', path, body) : send('POST', folder, body))
      if (answer.status === 409) return null
      if (answer.status !== 200 && answer.status !== 201) throw refused(answer)
      return take(JSON.parse(answer.body) as Lease)
    },

    close: () => client.close(),
  }

  function refused({ status, body }: Answer): AgentError {
    const code = status === 403 ? 'apply_forbidden' : 'cluster_unreachable'
    return new AgentError(code, `${label}: ${status} ${body.slice(0, 200)}`)
  }
}
