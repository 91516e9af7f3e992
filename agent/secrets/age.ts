import { AgentError } from '../errors.ts'
import type { SopsIdentity } from './identity.ts'

/** Reads a key file as age-keygen writes it: a key a line, comments and empty lines left out. */
export async function parseAgeIdentities(text: string, place: string): Promise<SopsIdentity[]> {
  // Loaded when first needed: most agents never see a SOPS secret.
  const { identityToRecipient } = await import('age-encryption')
  const lines = text.split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return Promise.all(
    keys.map(async (key) => {
      try {
        return { key, recipient: await identityToRecipient(key) }
      } catch {
        // Without a cause: the library's words may quote the key.
        const message = `${place} holds a line that is not an age secret key (AGE-SECRET-KEY-1…)`
        throw new AgentError('secret_undecryptable', message)
      }
    }),
  )
}

/** The file an age recipient was sent, opened; undefined when it was not for this identity. */
export async function openAge(
  armored: string,
  { key }: SopsIdentity,
): Promise<Uint8Array | undefined> {
  const { armor, Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  decrypter.addIdentity(key)
  try {
    return await decrypter.decrypt(armor.decode(armored.trim()))
  } catch {
    return undefined
  }
}
