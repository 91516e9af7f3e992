import { isRecord } from '@groundswell/proto/record.ts'
import { AgentError } from '../errors.ts'

/* What SOPS and the hub wrote beside an encrypted object. Nothing here holds a secret. */

/** One value of the file as it was committed: encrypted or not, in the order SOPS walks it. */
export interface SopsLeaf {
  readonly document: number
  readonly path: readonly string[]
  readonly text: string
}

export interface Recipient {
  readonly recipient: string
  readonly enc: string
}

/** The `sops` member of an object. */
export interface SopsMember {
  /** Encrypted; over all values of the file, or over the encrypted ones only. */
  readonly mac: string
  readonly macOnlyEncrypted: boolean
  readonly lastModified: string
  /** The data key, encrypted for each of these age recipients and OpenPGP keys. */
  readonly age: readonly Recipient[]
  readonly pgp: readonly Recipient[]
  /** Which document of the file the object is, and all values of the file. */
  readonly document: number
  readonly leaves: readonly SopsLeaf[]
}

const otherKeys = ['kms', 'gcp_kms', 'azure_kv', 'hc_vault', 'hckms']
const limits = { recipients: 100, leaves: 10_000 } as const

/**
 * Reads an object's `sops` member.
 *
 * @throws AgentError `secret_malformed` naming what is missing or not supported.
 */
export function parseSopsMember(value: unknown): SopsMember {
  if (!isRecord(value)) throw refuse('`sops` is not a mapping')
  const text = (key: string): string => {
    const found = value[key]
    if (typeof found !== 'string' || found === '') throw refuse(`\`sops.${key}\` is missing`)
    return found
  }
  if (value['key_groups'] !== undefined || Number(value['shamir_threshold'] ?? 0) > 1) {
    throw refuse('key groups are not supported; encrypt with one list of recipients')
  }
  const age = readRecipients(value, 'age', 'recipient')
  const pgp = readRecipients(value, 'pgp', 'fp')
  if (age.length + pgp.length === 0) {
    const others = otherKeys.filter((key) => Array.isArray(value[key]) && value[key].length > 0)
    throw refuse(
      others.length > 0
        ? `encrypted for ${others.join(', ')} only, which is not supported; add an age recipient or an OpenPGP key`
        : 'has no age recipient and no OpenPGP key',
    )
  }
  return {
    mac: text('mac'),
    macOnlyEncrypted: value['mac_only_encrypted'] === true,
    lastModified: text('lastmodified'),
    ...{ age, pgp },
    ...readWitness(value['witness']),
  }
}

/** The list of one kind of key; `name` is the member that says whose it is. */
function readRecipients(
  sops: Record<string, unknown>,
  kind: 'age' | 'pgp',
  name: 'recipient' | 'fp',
): readonly Recipient[] {
  const value = sops[kind]
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || value.length > limits.recipients) {
    throw refuse(`\`sops.${kind}\` is not a list of recipients`)
  }
  return value.map((entry: unknown) => {
    if (!isRecord(entry) || typeof entry['enc'] !== 'string') {
      throw refuse(`\`sops.${kind}\` has an entry without \`enc\``)
    }
    return { recipient: String(entry[name]), enc: entry['enc'] }
  })
}

/** The renderer wrote it (hub/engine/sops.go) from the file as it was committed. */
function readWitness(value: unknown): Pick<SopsMember, 'document' | 'leaves'> {
  if (typeof value !== 'string') {
    throw refuse(
      'the hub could not tell what its MAC is over; encrypt a whole YAML manifest with `sops encrypt`',
    )
  }
  try {
    const parsed: unknown = JSON.parse(value)
    if (!isRecord(parsed) || !Number.isSafeInteger(parsed['document'])) throw new Error('document')
    const leaves = parsed['leaves']
    if (!Array.isArray(leaves) || leaves.length > limits.leaves || !leaves.every(isLeaf)) {
      throw new Error('leaves')
    }
    return { document: parsed['document'] as number, leaves }
  } catch (cause) {
    throw refuse('`sops.witness` is damaged', cause)
  }
}

function isLeaf(value: unknown): value is SopsLeaf {
  return (
    isRecord(value) &&
    Number.isSafeInteger(value['document']) &&
    typeof value['text'] === 'string' &&
    Array.isArray(value['path']) &&
    value['path'].every((step) => typeof step === 'string')
  )
}

function refuse(message: string, cause?: unknown): AgentError {
  return new AgentError('secret_malformed', `SOPS: ${message}`, { cause })
}
