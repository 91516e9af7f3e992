import { HubError } from '../errors.ts'
import type { Address } from '../source/address.ts'
import { type Credential, parseCredential } from '../source/credential.ts'

/**
 * A parsed file → what the ledger is pushed with: one credential of files, bound to the remote's host.
 *
 * @param where the file, for messages
 * @throws HubError `config_invalid` with every fault
 */
export function parseLedgerCredential(
  value: unknown,
  where: string,
  { protocol, host }: Address,
): Credential {
  const messages: string[] = []
  const credential = parseCredential(value, (message) => messages.push(message))
  if (credential?.secret) {
    messages.push('a `secret` is not read for the ledger; mount it, and name its files')
  }
  const wanted = { https: 'basic', http: 'basic', ssh: 'ssh', file: undefined }[protocol]
  if (credential && wanted === undefined) {
    messages.push('a --ledger-remote of this machine needs no credential')
  } else if (credential && credential.kind !== wanted) {
    messages.push(
      `\`kind\` is ${credential.kind}; for the ${protocol} URL of --ledger-remote it is ${wanted}`,
    )
  }
  if (credential && messages.length === 0) return { hosts: [host], ...credential }
  const faults = messages.map((message) => ({ file: where, message }))
  const words = messages.map((message) => `${where}: ${message}`)
  throw new HubError('config_invalid', words.join('\n'), { faults })
}
