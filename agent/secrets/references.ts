import { digestOf } from '@groundswell/proto/digest.ts'
import type { Body } from '../apply/write/body.ts'
import { forEachBounded } from '../apply/run/bounded.ts'
import { AgentError, toAgentError } from '../errors.ts'
import { allowsPath, listReferences, type VaultReference } from './reference.ts'
import type { Vault, VaultSecret } from './vault.ts'

/** A Secret with the values that its references name. */
export interface Resolved {
  readonly body: Body
  /** Stands for the versions the values came from, and holds none; empty when it has no references. */
  readonly versions: string
}

/** What is known of the versions that a Secret's values would come from now. */
export interface Looked {
  readonly versions: string
  /** Milliseconds for which Vault lends the first that ends; undefined when it does not say. */
  readonly lease: number | undefined
}

export interface References {
  /**
   * Puts values in the place of references. What cannot be read at this moment is filled with what
   * was read last, so that a Secret can be healed with Vault away.
   *
   * @throws AgentError `secret_malformed`, `outside_scope`, `secret_unresolved`, `vault_unavailable`
   */
  resolve(body: Body, namespace: string, signal: AbortSignal): Promise<Resolved>
  /** @throws as `resolve`, also when what was read last would do. */
  look(found: readonly VaultReference[], namespace: string, signal: AbortSignal): Promise<Looked>
}

export interface ReferencesDeps {
  /** `off` leaves references as they are, for an admission webhook to fill. */
  readonly vault: Vault | 'off' | undefined
  /** Where an agent may read, by the Secret's namespace; undefined: wherever its role may. */
  readonly paths?: readonly string[] | undefined
}

const readsAtOnce = 4
const shownFaults = 5

export function createReferences({ vault, paths }: ReferencesDeps): References {
  /** Each path once, all faults told together. */
  async function readAll(
    found: readonly VaultReference[],
    namespace: string,
    signal: AbortSignal,
    mayBeOld: boolean,
  ): Promise<ReadonlyMap<string, VaultSecret>> {
    if (vault === undefined || vault === 'off') {
      const message = 'Vault: none is configured to read references from; see --vault'
      throw new AgentError('secret_unresolved', message)
    }
    const secrets = new Map<string, VaultSecret>()
    const faults: AgentError[] = []
    const distinct = new Set(found.map(({ path }) => path))
    await forEachBounded([...distinct], readsAtOnce, signal, async (path) => {
      try {
        if (!allowsPath(paths, path, namespace)) throw outside(path, namespace)
        secrets.set(path, await vault.read(path, signal))
      } catch (error) {
        signal.throwIfAborted()
        const fault = toAgentError(error)
        const old = mayBeOld && fault.code === 'vault_unavailable' ? vault.last(path) : undefined
        if (old) secrets.set(path, old)
        else faults.push(fault)
      }
    })
    signal.throwIfAborted()
    refuse(faults)
    return secrets
  }

  return {
    async resolve(body, namespace, signal) {
      const found = vault === 'off' ? [] : listReferences(body)
      if (found.length === 0) return { body, versions: '' }
      const secrets = await readAll(found, namespace, signal, true)
      refuse(found.flatMap((one) => whyNoText(secrets, one)))
      const filled: Record<string, unknown> = { ...body }
      for (const [field, references] of Map.groupBy(found, ({ field }) => field)) {
        const values = references.map(({ member, path, key }) => {
          const text = String(secrets.get(path)?.values[key])
          return [member, field === 'data' ? Buffer.from(text).toString('base64') : text]
        })
        filled[field] = { ...(body[field] as object), ...Object.fromEntries(values) }
      }
      return { body: filled as Body, versions: spellVersions(secrets) }
    },

    async look(found, namespace, signal) {
      const secrets = await readAll(found, namespace, signal, false)
      refuse(found.flatMap((one) => whyNoText(secrets, one)))
      const leases = [...secrets.values()].flatMap(({ lease }) => lease ?? [])
      const lease = leases.length > 0 ? Math.min(...leases) : undefined
      return { versions: spellVersions(secrets), lease }
    },
  }
}

/** What is wrong with what a reference names; nothing when it is text. */
function whyNoText(
  secrets: ReadonlyMap<string, VaultSecret>,
  { place, path, key }: VaultReference,
): AgentError[] {
  const values = secrets.get(path)?.values ?? {}
  const value = Object.hasOwn(values, key) ? values[key] : undefined
  if (typeof value === 'string') return []
  const what = value === undefined ? 'has no key' : 'has no text at its key'
  const message = `Vault: ${place}: ${path} ${what} ${JSON.stringify(key)}`
  return [new AgentError('secret_unresolved', message)]
}

function refuse(faults: readonly AgentError[]): void {
  const [first] = faults
  if (!first) return
  const more = faults.length - shownFaults
  const words = faults.slice(0, shownFaults).map(({ message }) => message)
  const message = words.join('; ') + (more > 0 ? ` and ${more} more` : '')
  // What Vault said no to stays so until somebody acts; it is the word that counts.
  const code = faults.find(({ code }) => code !== 'vault_unavailable')?.code ?? first.code
  throw new AgentError(code, message, { cause: first })
}

function outside(path: string, namespace: string): AgentError {
  const message = `Vault: ${path} is not among the paths that Secrets in ${namespace} may refer to (--vault-paths)`
  return new AgentError('outside_scope', message)
}

/** Of versions and paths alone: the digest of a value could be guessed by who reads an inventory. */
function spellVersions(secrets: ReadonlyMap<string, VaultSecret>): string {
  const list = [...secrets].map(([path, { version }]) => [path, version].join('@')).sort()
  return digestOf(JSON.stringify(list)).slice('sha256:'.length, 'sha256:'.length + 20)
}
