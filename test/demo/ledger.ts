import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LedgerEntry } from '../../hub/ledger/entry.ts'
import type { HubProcess } from '../support/hub-process.ts'

/** When a rollout offered its content to a cluster and was done with it; hub's clock, milliseconds. */
export interface Passage {
  readonly offeredAt: number
  readonly doneAt: number | undefined
}

/** Cluster → its passage through a rollout, from the hub's record of decisions. */
export async function readPassages(
  hub: HubProcess,
  rollout: string,
): Promise<ReadonlyMap<string, Passage>> {
  const text = await readFile(join(hub.data, 'ledger', 'ledger.jsonl'), 'utf8')
  const passages = new Map<string, Passage>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const { decision } = JSON.parse(line) as LedgerEntry
    if (decision.type !== 'rollout.moved' || decision.rollout !== rollout) continue
    for (const [cluster, progress] of Object.entries(decision.change.clusters ?? {})) {
      const known = passages.get(cluster)
      if (progress.state === 'Offered' && !known) {
        passages.set(cluster, { offeredAt: progress.offeredAt, doneAt: undefined })
      } else if (progress.state === 'Done' && known) {
        passages.set(cluster, { ...known, doneAt: progress.at })
      }
    }
  }
  return passages
}
