import { gunzipSync, gzipSync } from 'node:zlib'
import type { Cluster, LiveObject, Resource } from '../../cluster/port.ts'
import { AgentError } from '../../errors.ts'
import { describeSet } from './apply-set.ts'
import { parseHookRecord } from '../hook/hook-record.ts'
import type { Inventory, InventoryEntry } from './inventory.ts'
import { fieldManager, inventoryIdOf, systemNamespace } from './ownership.ts'

/** The snapshot by which something was applied. */
export interface AppliedBy {
  /** Id of the cluster's record: another one counts its sequences afresh. */
  readonly clusterId: string
  readonly epoch: number
  readonly sequence: number
}

export interface InventoryStore {
  /** The latest snapshot of this agent's record by which one that was loaded or saved was written; undefined where none says so. */
  latest(): AppliedBy | undefined
  /** The application's inventory, empty when there is none or it cannot be read as one. */
  load(application: string, signal: AbortSignal): Promise<Inventory>
  /** Whether there is an inventory that cannot be read as the one that was saved. */
  isDamaged(application: string, signal: AbortSignal): Promise<boolean>
  save(application: string, inventory: Inventory, signal: AbortSignal): Promise<void>
  remove(application: string, signal: AbortSignal): Promise<void>
}

const configMap: Resource = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
}
const namespace: Resource = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
}
/** Guards the read: what an etcd object can hold, inflated. */
const inflatedLimit = 8 * 1024 * 1024

/**
 * Inventories as ConfigMaps in the cluster they describe, so that they live and die with it.
 * Packed, because 5,000 entries would not fit a ConfigMap in the clear.
 *
 * @param now the snapshot that is being carried out
 */
export function createInventoryStore(
  cluster: Cluster,
  now: () => AppliedBy | undefined = () => undefined,
): InventoryStore {
  let latest: AppliedBy | undefined
  const note = (by: AppliedBy | undefined): void => {
    if (by && (!latest || isLater(by, latest))) latest = by
  }
  return {
    latest: () => latest,
    async load(application, signal) {
      const object = await cluster.get(configMap, inventoryIdOf(application), signal)
      note(object && readAppliedBy(object, now()?.clusterId))
      return object ? unpack(object) : new Map()
    },
    async isDamaged(application, signal) {
      const object = await cluster.get(configMap, inventoryIdOf(application), signal)
      if (!object) return false
      const { count } = (object['data'] ?? {}) as { count?: string }
      return count !== String(unpack(object).size)
    },
    async save(application, inventory, signal) {
      const id = inventoryIdOf(application)
      const { labels, annotations } = describeSet(id, inventory)
      note(now())
      const json = JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: id.name,
          namespace: id.namespace,
          labels: { 'groundswell.dev/inventory': application, ...labels },
          annotations: {
            ...annotations,
            ...(latest && { [appliedByNote]: formatAppliedBy(latest) }),
          },
        },
        data: { count: String(inventory.size) },
        binaryData: { objects: pack(inventory) },
      })
      const options = { fieldManager, force: true }
      try {
        await cluster.apply(configMap, id, json, options, signal)
      } catch (error) {
        const home = { group: '', kind: 'Namespace', namespace: '', name: systemNamespace }
        if (!(await cluster.get(namespace, home, signal))) {
          const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: systemNamespace } }
          await cluster.apply(namespace, home, JSON.stringify(body), options, signal)
        } else if (!(error instanceof AgentError) || error.code !== 'apply_failed') throw error
        // Another application may have made it since.
        await cluster.apply(configMap, id, json, options, signal)
      }
    },
    async remove(application, signal) {
      const id = inventoryIdOf(application)
      const object = await cluster.get(configMap, id, signal)
      if (object?.metadata.uid) await cluster.delete(configMap, id, object.metadata.uid, signal)
    },
  }
}

/** Whether one snapshot came after another of the same record. */
export function isLater(one: AppliedBy, other: AppliedBy): boolean {
  if (one.epoch !== other.epoch) return one.epoch > other.epoch
  return one.sequence > other.sequence
}

const appliedByNote = 'groundswell.dev/applied-by'

function formatAppliedBy({ clusterId, epoch, sequence }: AppliedBy): string {
  return `${clusterId} ${epoch} ${sequence}`
}

/** Of another record nothing is said. */
function readAppliedBy({ metadata }: LiveObject, mine: string | undefined): AppliedBy | undefined {
  const [clusterId = '', epoch, sequence] = metadata.annotations?.[appliedByNote]?.split(' ') ?? []
  const by = { clusterId, epoch: Number(epoch), sequence: Number(sequence) }
  const isWhole = Number.isSafeInteger(by.epoch) && Number.isSafeInteger(by.sequence)
  return clusterId !== '' && clusterId === mine && isWhole ? by : undefined
}

function pack(inventory: Inventory): string {
  const rows = [...inventory.values()].map((entry) => [
    entry.id,
    entry.apiVersion,
    entry.uid,
    entry.digest.replace('sha256:', ''),
    entry.fieldsHash,
    entry.hook ? JSON.stringify(entry.hook) : '',
    entry.versions ?? '',
    entry.account ?? '',
    entry.missingSince === undefined ? '' : String(entry.missingSince),
    entry.made ? '1' : '',
    entry.ended ?? '',
  ])
  return gzipSync(JSON.stringify(rows)).toString('base64')
}

/** Damage reads as nothing known: objects are applied again and nothing is deleted. */
function unpack(object: LiveObject): Inventory {
  const entries = new Map<string, InventoryEntry>()
  const packed = (object['binaryData'] as { objects?: string } | undefined)?.objects
  if (!packed) return entries
  try {
    const bytes = gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: inflatedLimit })
    for (const row of JSON.parse(bytes.toString('utf8')) as unknown[]) {
      if (!Array.isArray(row) || row.some((cell) => typeof cell !== 'string')) return new Map()
      const [id = '', apiVersion = '', uid = '', hex = '', fieldsHash = '', ran = '', ...rest] =
        row as string[]
      const [versions, account, missing, made, ended] = rest
      const hook = parseHookRecord(ran)
      const digest = hex && `sha256:${hex}`
      entries.set(id, {
        ...{ id, apiVersion, uid, digest, fieldsHash },
        ...(hook && { hook }),
        ...(versions && { versions }),
        ...(account && { account }),
        ...(missing && { missingSince: Number(missing) }),
        ...(made && { made: true as const }),
        ...((ended === 'Current' || ended === 'Failed') && { ended }),
      })
    }
    return entries
  } catch {
    return new Map()
  }
}
