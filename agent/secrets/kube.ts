import type { Connection } from '../cluster/connection.ts'
import { createApiClient } from '../cluster/http.ts'
import type { SecretName } from '../cluster/secret.ts'
import { AgentError } from '../errors.ts'
import { isKeyFile, type KeyStore, parseKeyFile } from './keys.ts'

const answerMs = 10_000

/** Keys in a Secret of the agent's own cluster: its members that end in `.agekey` or `.asc`. */
export function createSecretKeys(
  connection: Connection,
  { namespace, name }: SecretName,
): KeyStore & { close(): Promise<void> } {
  const client = createApiClient(connection, { shares: true })
  const label = `Secret ${namespace}/${name}`
  return {
    name: label,

    async load() {
      const answer = await client.send({
        method: 'GET',
        path: `/api/v1/namespaces/${namespace}/secrets/${name}`,
        signal: AbortSignal.timeout(answerMs),
      })
      if (answer.status === 404) return []
      if (answer.status !== 200) {
        // A refusal names who asked and for what; another answer might quote what is in there.
        const why = answer.status === 403 ? ` ${answer.body.slice(0, 400)}` : ''
        const message = `SOPS: ${label} cannot be read: ${answer.status}${why}`
        throw new AgentError('secret_undecryptable', message)
      }
      const { data = {} } = JSON.parse(answer.body) as { data?: Record<string, string> }
      const members = Object.entries(data).filter(([member]) => isKeyFile(member))
      const found = members.map(([member, value]) =>
        parseKeyFile(member, Buffer.from(value, 'base64').toString(), `${label}, ${member},`),
      )
      return (await Promise.all(found)).flat()
    },

    close: () => client.close(),
  }
}
