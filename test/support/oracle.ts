import assert from 'node:assert/strict'
import type { Digest } from '@groundswell/proto/digest.ts'
import { isOfAnother, isPreciousName, nameOfId } from './desired-objects.ts'

/** One object that is wanted. */
export interface Wish {
  readonly application: string
  readonly text: string
  /** Another application that wants it too. */
  readonly also?: string
  /** In which version its kind is asked for; `v1` when absent. */
  readonly version?: string
}

/** What a cluster should have: objects by name, as `desired-objects.ts` has them. */
export type Desired = ReadonlyMap<string, Wish>

/** An object that the agent asked to be deleted. */
export interface Deletion {
  readonly id: string
  /** Of the snapshot that it was applying. */
  readonly sequence: number
}

/** What an agent did that lasts, over all its lives. */
export interface Recorded {
  readonly saved: { readonly sequence: number; readonly digest: Digest | null }[]
  /** Each deletion, when it was asked for. */
  readonly deleted: Deletion[]
  /** What each snapshot wanted. */
  readonly desired: Map<number, Desired>
  /** Snapshots in which a person has confirmed all deletions. */
  readonly confirmed: Set<number>
}

/** A live object of ours. */
export interface LiveConfig {
  readonly name: string
  readonly uid: string
  readonly application: string
  readonly text: string
}

/**
 * Holds what is there against what was wanted: nothing lost and nothing left over, nothing deleted that
 * the snapshot that was applied wanted (I4), nothing whose deletion takes more along deleted before a
 * person confirmed it, nothing that was wanted all along made anew, and one digest a sequence, which only
 * rises (I3).
 *
 * @param firstUids of objects as they were first seen; what was wanted in every snapshot keeps its own
 */
export function assertOracle(
  recorded: Recorded,
  live: readonly LiveConfig[],
  namespace: string,
  firstUids: ReadonlyMap<string, string>,
): void {
  const sequences = [...recorded.desired.keys()]
  const wanted = recorded.desired.get(Math.max(...sequences))!
  const found = new Map(live.map(({ name, application, text }) => [name, { application, text }]))
  const sort = (map: Desired) =>
    [...map]
      .map(([name, { application, text }]) => ({ name, application, text }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  assert.deepEqual(sort(found), sort(wanted), 'what is there is what is wanted')

  for (const { id, sequence } of recorded.deleted) {
    if (isOfAnother(id, namespace)) continue
    const name = nameOfId(id, namespace)
    assert.ok(name !== undefined, `${id} was never to be deleted`)
    assert.ok(
      !recorded.desired.get(sequence)?.has(name),
      `${id} was deleted while snapshot ${sequence} wanted it`,
    )
    const isMeant = !isPreciousName(name) || recorded.confirmed.has(sequence)
    assert.ok(isMeant, `${id} was deleted in snapshot ${sequence}, and nobody confirmed it`)
  }

  for (const { name, uid } of live) {
    const always = sequences.every((sequence) => recorded.desired.get(sequence)!.has(name))
    const first = firstUids.get(name)
    if (always && first) assert.equal(uid, first, `${name} was made anew`)
  }

  const digests = new Map<number, Digest | null>()
  let last = 0
  for (const { sequence, digest } of recorded.saved) {
    assert.ok(sequence >= last, `sequence ${sequence} after ${last}`)
    last = sequence
    if (digests.has(sequence)) assert.equal(digest, digests.get(sequence), `sequence ${sequence}`)
    digests.set(sequence, digest)
  }
}
