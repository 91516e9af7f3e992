import { AgentError } from '../errors.ts'
import type { SopsIdentity } from './identity.ts'

/* OpenPGP by a library that the bundle leaves out: who has such keys installs it beside the agent. */

const header = '-----BEGIN PGP PRIVATE KEY BLOCK-----'
/** Keys in one file. */
const mostKeys = 20

export function isPgpKey({ key }: SopsIdentity): boolean {
  return key.startsWith(header)
}

/**
 * Reads private keys as `gpg --export-secret-keys --armor` writes them, without a passphrase.
 *
 * @throws AgentError `secret_undecryptable`; it does not quote the file
 */
export async function parsePgpIdentities(text: string, place: string): Promise<SopsIdentity[]> {
  const { readPrivateKeys } = await loadLibrary(place)
  const found = await readPrivateKeys({ armoredKeys: text }).catch(() => [])
  if (found.length === 0 || found.length > mostKeys) {
    throw refuse(`${place} does not hold an OpenPGP private key (gpg --export-secret-keys --armor)`)
  }
  return found.map((key) => {
    const fingerprint = key.getFingerprint().toUpperCase()
    // One part will do: often only the subkey's secret is exported.
    const open = key.getKeys().some((part) => 'isDecrypted' in part && part.isDecrypted())
    if (!open) {
      throw refuse(
        `${place}: OpenPGP key ${fingerprint} is locked by a passphrase; export it without`,
      )
    }
    return { recipient: fingerprint, key: key.armor() }
  })
}

/** A message that was sent to an OpenPGP key, opened; undefined when it was not for this one. */
export async function openPgp(
  armored: string,
  { key }: SopsIdentity,
): Promise<Uint8Array | undefined> {
  const { readPrivateKey, readMessage, decrypt } = await loadLibrary('SOPS')
  try {
    const decryptionKeys = await readPrivateKey({ armoredKey: key })
    const message = await readMessage({ armoredMessage: armored.trim() })
    const { data } = await decrypt({ message, decryptionKeys, format: 'binary' })
    return data as Uint8Array
  } catch {
    return undefined
  }
}

async function loadLibrary(place: string) {
  try {
    return await import('openpgp')
  } catch (cause) {
    const message = `${place}: OpenPGP keys need the package openpgp beside the agent; npm install openpgp`
    throw new AgentError('secret_undecryptable', message, { cause })
  }
}

function refuse(message: string): AgentError {
  // Without a cause: the library's words may quote the key.
  return new AgentError('secret_undecryptable', message)
}
