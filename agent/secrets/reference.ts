import { isRecord } from '@groundswell/proto/record.ts'
import type { Body } from '../apply/write/body.ts'
import { AgentError } from '../errors.ts'

/** Where a value of a Secret is kept: `vault:secret/data/db#password`. */
export interface VaultReference {
  /** Field and member of the Secret, such as `stringData.password`. */
  readonly place: string
  readonly field: 'data' | 'stringData'
  readonly member: string
  /** As the API has it, below `/v1/`: `MOUNT/data/NAME`. */
  readonly path: string
  readonly key: string
}

const prefix = 'vault:'
/** References in one Secret. */
const mostReferences = 100
const longestPath = 500

/**
 * The references in a Secret's `data` and `stringData`; none in any other kind, where the values
 * would be seen by everybody who reads it, nor in what SOPS encrypted, which holds values.
 *
 * @throws AgentError `secret_malformed` with every fault at once
 */
export function listReferences(body: Body): readonly VaultReference[] {
  if (body.apiVersion !== 'v1' || body.kind !== 'Secret' || body['sops'] !== undefined) return []
  const found: VaultReference[] = []
  const faults: string[] = []
  for (const field of ['data', 'stringData'] as const) {
    const values = body[field]
    if (!isRecord(values)) continue
    for (const [member, value] of Object.entries(values)) {
      if (typeof value !== 'string') continue
      const text = field === 'data' ? Buffer.from(value, 'base64').toString('utf8') : value
      if (!text.startsWith(prefix)) continue
      const place = `${field}.${member}`
      const parsed = parseReference(text)
      if (typeof parsed === 'string') faults.push(`${place}: ${parsed}`)
      else found.push({ place, field, member, ...parsed })
    }
  }
  if (found.length > mostReferences) {
    faults.push(`${found.length} references in one Secret; ${mostReferences} at most`)
  }
  if (faults.length > 0) {
    throw new AgentError('secret_malformed', `Vault: ${faults.slice(0, 10).join('; ')}`)
  }
  return found
}

/** A reference's path and key, or what is wrong with it; the text itself is not quoted. */
function parseReference(text: string): Pick<VaultReference, 'path' | 'key'> | string {
  const [path = '', key = '', ...more] = text.slice(prefix.length).split('#')
  if (key === '' || more.length > 0) return 'not vault:PATH#KEY'
  if (path.length > longestPath) return `its path is longer than ${longestPath} letters`
  const steps = path.split('/')
  // A path goes into a URL as it is: nothing in it may lead elsewhere.
  if (steps.some((step) => !/^[A-Za-z0-9._~@+-]+$/.test(step) || /^\.+$/.test(step))) {
    return 'its path has an empty step, or letters other than A-Z a-z 0-9 . _ ~ @ + -'
  }
  const at = steps.indexOf('data')
  if (at < 1 || at === steps.length - 1) {
    return 'its path is not MOUNT/data/NAME, as version 2 of the key/value engine has it'
  }
  return { path, key }
}

/** Whether a Secret of this namespace may hold what is at a path, by the agent's own list. */
export function allowsPath(
  patterns: readonly string[] | undefined,
  path: string,
  namespace: string,
): boolean {
  if (!patterns) return true
  return patterns.some((pattern) => {
    const wanted = pattern.replaceAll('{namespace}', namespace)
    return wanted.endsWith('/*') ? path.startsWith(wanted.slice(0, -1)) : path === wanted
  })
}
