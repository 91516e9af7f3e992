import { isRecord } from '@groundswell/proto/record.ts'
import { type Static, Type } from 'typebox'
import { type Fault, HubError } from '../../errors.ts'
import { findSchemaFaults } from '../../fleet/load/schema-faults.ts'

const File = Type.String({ minLength: 1, description: 'the path of a file' })

/** Files with the public keys of those whose word counts. Read anew for each verification. */
const SignersSchema = Type.Object(
  {
    /** As ssh-keygen's ALLOWED SIGNERS: `dev@example.com namespaces="git" ssh-ed25519 AAAA…`. */
    allowedSignersFile: Type.Optional(File),
    /** Keys, or a key revocation list, that count no more, whatever else says they do. */
    revokedKeysFile: Type.Optional(File),
    /** OpenPGP public keys, armored or not. */
    openpgpKeysFile: Type.Optional(File),
  },
  { additionalProperties: false },
)
export type Signers = Static<typeof SignersSchema>

/** By the name that a Repository or Project gives. */
export type AllSigners = Readonly<Record<string, Signers>>

/**
 * A parsed signers file → signers by name. It is the hub's own: whoever may write to a repository
 * that is verified must have no say in whose signatures it takes.
 *
 * @throws HubError `config_invalid` with every fault
 */
export function parseSigners(value: unknown, where: string): AllSigners {
  const faults: Fault[] = []
  for (const [name, given] of Object.entries(isRecord(value) ? value : {})) {
    const report = (message: string) => faults.push({ file: where, object: name, message })
    const wrong = findSchemaFaults(SignersSchema, given)
    for (const { path, key, message } of wrong) {
      report(key || path.length === 0 ? message : `${path.join('.')}: ${message}`)
    }
    if (wrong.length > 0) continue
    const { allowedSignersFile, openpgpKeysFile } = given as Signers
    if (allowedSignersFile === undefined && openpgpKeysFile === undefined) {
      report('give `allowedSignersFile`, `openpgpKeysFile` or both')
    }
  }
  if (!isRecord(value)) faults.push({ file: where, message: 'not a map of signers by name' })
  if (faults.length === 0) return value as AllSigners
  const words = faults.map(({ object, message }) => `${where}: ${object ?? ''}: ${message}`)
  throw new HubError('config_invalid', words.join('\n'), { faults })
}
