import { HubError } from '../errors.ts'
import { type Address, isLoopback, parseAddress } from '../source/address.ts'

export interface LedgerRemoteSettings {
  readonly ledgerRemote: string | undefined
  readonly ledgerCredentialFile: string | undefined
}

/**
 * Where the ledger is pushed: a repository's URL, by the rules of all others, or a directory of this machine.
 *
 * @throws HubError `source_refused` saying what to write instead, without the URL
 */
export function parseLedgerRemote(url: string): Address {
  if (/^\/\P{Cc}+$/u.test(url)) return { protocol: 'file', host: '', url }
  const passwordGoes = 'put them in files, and name those in --ledger-credential'
  return parseAddress(url, { allowFile: true, passwordGoes })
}

/** What is wrong with the two settings together, a line each; no password that is in them. */
export function listLedgerRemoteFaults(settings: LedgerRemoteSettings): string[] {
  const { ledgerRemote, ledgerCredentialFile } = settings
  if (ledgerRemote === undefined) {
    return ledgerCredentialFile === undefined
      ? []
      : ['--ledger-credential: --ledger-remote says what it is for']
  }
  try {
    const { protocol, host } = parseLedgerRemote(ledgerRemote)
    if (ledgerCredentialFile === undefined) {
      if (protocol !== 'ssh') return []
      return ['--ledger-credential: an SSH URL needs one, with `keyFile` and `knownHostsFile`']
    }
    if (protocol !== 'http' || isLoopback(host)) return []
    return ['--ledger-remote: a password is sent over https only']
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    return [`--ledger-remote: ${error.message}`]
  }
}
