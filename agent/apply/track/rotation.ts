import type { Digest } from '@groundswell/proto/digest.ts'
import type { ManifestObject } from '@groundswell/proto/manifest.ts'
import { parseObjectId } from '@groundswell/proto/object-id.ts'
import type { Clock } from '../../cluster/clock.ts'
import { toAgentError } from '../../errors.ts'
import type { Health } from '../../observe/status.ts'
import { listReferences, type VaultReference } from '../../secrets/reference.ts'
import type { References } from '../../secrets/references.ts'
import type { VerifiedApplication, VerifiedPresent } from '../../trust/verified.ts'
import { parseBody } from '../write/body.ts'
import { findEntry, type Inventory, type InventoryEntry } from '../inventory/inventory.ts'

/* Values in Vault change without a commit: they are looked at again, and written when they did. */

/** Why it is not known whether an applied Secret still holds what Vault has. */
export interface SourceFault {
  readonly health: Health
  readonly message: string
}

export interface RotationDeps {
  readonly references: Pick<References, 'look'>
  readonly clock: Clock
  /** Uniform in [0, 1): agents must not ask one Vault in step. */
  readonly random: () => number
  /** Milliseconds between two looks; undefined where there is nothing to look at. */
  readonly interval?: number | undefined
  readonly applications: () => Iterable<RotatedApplication>
  /** Values of an application's Secrets have changed; it has to be run. */
  readonly onRotated: (application: string) => void
  /** What is said of an application's Secrets has changed. */
  readonly onFault: (application: string) => void
  /** A fault of ours has ended it. */
  readonly onEnd: (error: unknown) => void
}

export interface RotatedApplication {
  readonly name: string
  readonly wanted: VerifiedApplication
  readonly inventory: Inventory | undefined
}

export interface Rotation {
  /** Whether the values of an object that was applied have changed since. */
  readonly isRotated: (entry: InventoryEntry) => boolean
  /** Why an application's Secrets may be old, by object. */
  readonly faults: (application: string) => ReadonlyMap<string, SourceFault>
}

/** One that failed is looked at again sooner. */
const againMs = 30_000
/** Of what cannot be reached nothing is said before it failed so often. */
const patience = 2
const shortestMs = 1_000

interface Source {
  readonly id: string
  readonly namespace: string
  readonly digest: Digest
  readonly references: readonly VaultReference[]
}

/** Looks again at what applied Secrets refer to, until the signal fires. */
export function createRotation(deps: RotationDeps, signal: AbortSignal): Rotation {
  const { clock, interval = Infinity } = deps
  /** By object: the versions that its values would come from now. */
  const versions = new Map<string, { readonly digest: Digest; readonly versions: string }>()
  const faults = new Map<string, Map<string, SourceFault>>()
  const failures = new Map<string, number>()
  /** Of each content that was read; most Secrets have no references. */
  let read = new Map<Digest, readonly VaultReference[]>()

  async function lookAt(application: string, source: Source): Promise<number> {
    const { id, digest } = source
    const known = faults.get(application) ?? new Map<string, SourceFault>()
    const before = known.get(id)?.message
    try {
      const looked = await deps.references.look(source.references, source.namespace, signal)
      versions.set(id, { digest, versions: looked.versions })
      failures.delete(id)
      known.delete(id)
      return Math.min(interval, ((looked.lease ?? Infinity) * 2) / 3)
    } catch (error) {
      signal.throwIfAborted()
      const { code, message } = toAgentError(error)
      const times = (failures.get(id) ?? 0) + 1
      failures.set(id, times)
      const away = code === 'vault_unavailable'
      const health = away ? 'Unknown' : 'Failed'
      const words = `${message}; it stays as it was read last`
      if (!away || times >= patience) known.set(id, { health, message: words })
      return Math.min(interval, againMs)
    } finally {
      faults.set(application, known)
      if (known.get(id)?.message !== before) deps.onFault(application)
    }
  }

  /** Milliseconds until the next look. */
  async function look(): Promise<number> {
    let next = interval
    const still = new Map<Digest, readonly VaultReference[]>()
    const seen = new Set<string>()
    const names = new Set<string>()
    for (const { name, wanted, inventory } of deps.applications()) {
      if (wanted.state !== 'present' || !inventory) continue
      names.add(name)
      for (const source of await findSources(wanted, inventory, read, still)) {
        seen.add(source.id)
        next = Math.min(next, await lookAt(name, source))
        if (isRotated(inventory.get(source.id))) deps.onRotated(name)
      }
      const known = faults.get(name)
      for (const id of known?.keys() ?? []) if (!seen.has(id)) known?.delete(id)
    }
    read = still
    for (const id of versions.keys()) if (!seen.has(id)) versions.delete(id)
    for (const id of failures.keys()) if (!seen.has(id)) failures.delete(id)
    for (const name of faults.keys()) if (!names.has(name)) faults.delete(name)
    return next
  }

  function isRotated(entry: InventoryEntry | undefined): boolean {
    const now = entry && versions.get(entry.id)
    return now?.digest === entry?.digest && now !== undefined && now.versions !== entry?.versions
  }

  async function run(): Promise<void> {
    // An agent that has just started may have slept through a change.
    let next = Math.min(interval, againMs) * deps.random()
    while (!signal.aborted) {
      await clock.sleep(Math.max(shortestMs, next), signal)
      next = (await look()) * (0.9 + deps.random() / 5)
    }
  }

  if (deps.interval !== undefined) {
    run().catch((error: unknown) => {
      if (!signal.aborted) deps.onEnd(error)
    })
  }
  return { isRotated, faults: (application) => faults.get(application) ?? none }
}

const none: ReadonlyMap<string, SourceFault> = new Map()

/** The Secrets of an application that were applied as they are asked for, and have references. */
async function findSources(
  wanted: VerifiedPresent,
  inventory: Inventory,
  read: ReadonlyMap<Digest, readonly VaultReference[]>,
  still: Map<Digest, readonly VaultReference[]>,
): Promise<readonly Source[]> {
  const found: Source[] = []
  for (const source of wanted.manifest.objects) {
    const { digest, id } = source
    const entry = findEntry(inventory, id, wanted.manifest)
    if (!isLooked(source) || entry?.digest !== digest) continue
    const references = read.get(digest) ?? (await readReferences(wanted, source))
    still.set(digest, references)
    if (references.length === 0) continue
    const { namespace } = parseObjectId(entry.id)
    found.push({ id: entry.id, namespace, digest, references })
  }
  return found
}

function isLooked({ id, rules }: ManifestObject): boolean {
  const { group, kind } = parseObjectId(id)
  const isOnce = rules?.apply === 'once' || rules?.apply === 'never'
  return group === '' && kind === 'Secret' && !rules?.hook && !isOnce
}

async function readReferences(
  { read }: VerifiedPresent,
  { digest, id, apiVersion }: ManifestObject,
): Promise<readonly VaultReference[]> {
  try {
    return listReferences(parseBody(await read(digest), parseObjectId(id), apiVersion))
  } catch {
    // Said where it is applied.
    return []
  }
}
