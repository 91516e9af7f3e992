import type { Digest } from '@groundswell/proto/digest.ts'
import { isLeaveList } from '@groundswell/proto/snapshot.ts'
import { isLeaveAll, leaveAll } from '@groundswell/proto/statement.ts'
import type { ManifestObjects } from '../../bundle/stored-manifest.ts'
import { type Fault, HubError } from '../../errors.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import { assignedTo, plansOf } from '../../ledger/by-application.ts'
import type { LedgerState } from '../../ledger/replay.ts'
import type { Contents } from '../../render/contents.ts'
import { type Expected, listExpected } from './expected.ts'
import { createGivers } from './givers.ts'
import { type HeldContent, listHeld } from './held-content.ts'
import type { Content, RolloutPlan, RolloutTarget } from '../rollout.ts'

export interface SparingDeps {
  readonly state: LedgerState
  /** @throws HubError `content_missing` when they cannot be had */
  readonly objectsOf: (cluster: string, manifest: Digest) => Promise<ManifestObjects>
}

/** What is to come of the objects a target takes away; nothing where all of them are deleted. */
type Fate = Pick<Content, 'deletionPolicy' | 'leave'>

/** Manifests of which it is remembered, beside their digests, which objects they name. */
const rememberedFingerprints = 100_000
/** Ids that all targets of one plan may name; what is more is `*`. */
const mostIds = 50_000
/** Clusters and applications that a fault names. */
const mostNamed = 5

/**
 * Finds what a plan must not delete although its application wants it no more: what other applications are to
 * get on the same cluster, maybe days after. Manifests are read only where objects are lost and somebody is to
 * get any; that others name the same objects is told by their fingerprints.
 */
export function createSparing({ state, objectsOf }: SparingDeps) {
  const fingerprints = new Map<Digest, string>()
  let noted: Contents['fingerprints']
  /** By application: what could not be rendered when Git declared it last. */
  const brokenBeside = new Map<string, ReadonlySet<string>>()

  function noteBroken(fleet: Fleet, { applications }: Contents): void {
    const names = [...fleet.applications.keys()]
    const broken = new Set(names.filter((name) => !applications.has(name)))
    for (const name of brokenBeside.keys()) {
      const runs = [...assignedTo(state, name).values()].some(({ digest }) => digest !== null)
      if (!runs) brokenBeside.delete(name)
    }
    for (const name of names) brokenBeside.set(name, broken)
  }

  /** A hub that has begun anew since knows it by the plan. */
  const listBroken = (application: string): ReadonlySet<string> =>
    brokenBeside.get(application) ?? new Set(plansOf(state, application).at(-1)?.brokenBeside)

  function note(digest: Digest, fingerprint: string): void {
    fingerprints.delete(digest)
    fingerprints.set(digest, fingerprint)
    for (const oldest of fingerprints.keys()) {
      if (fingerprints.size <= rememberedFingerprints) break
      fingerprints.delete(oldest)
    }
  }

  function isAlike(one: Digest, other: Digest): boolean {
    if (one === other) return true
    const mine = fingerprints.get(one)
    return mine !== undefined && mine === fingerprints.get(other)
  }

  async function read(cluster: string, digest: Digest): Promise<ManifestObjects> {
    const found = await objectsOf(cluster, digest)
    note(digest, found.fingerprint)
    return found
  }

  async function spell(cluster: string, digests: Iterable<Digest>): Promise<Set<string>> {
    const ids = new Set<string>()
    for (const digest of digests) {
      for (const id of (await read(cluster, digest)).spellings) ids.add(id)
    }
    return ids
  }

  /** Null when it cannot be told. */
  async function listLost(
    cluster: string,
    { digests, leave }: HeldContent,
    next: Digest | null,
  ): Promise<ReadonlySet<string> | null> {
    if (isLeaveAll(leave)) return null
    try {
      const lost = await spell(cluster, digests)
      for (const id of leave) lost.add(id)
      const kept = next ? (await read(cluster, next)).spellings : []
      for (const id of kept) lost.delete(id)
      return lost
    } catch (error) {
      return orUnknown(error)
    }
  }

  /** Who is still to get something there, with what a hub that has just begun has to read to tell. */
  async function listUnproven(
    cluster: string,
    others: readonly Expected[],
  ): Promise<readonly Expected[]> {
    const found: Expected[] = []
    for (const one of others) if (!(await isProven(cluster, one))) found.push(one)
    return found
  }

  async function isProven(cluster: string, { application, digest }: Expected): Promise<boolean> {
    const has = [state.good, state.assignments].map(
      (all) => all.get(cluster)?.get(application)?.digest,
    )
    if (digest === null || !has.every((one) => typeof one === 'string')) return false
    try {
      for (const one of [digest, ...has]) if (!fingerprints.has(one)) await read(cluster, one)
    } catch (error) {
      orUnknown(error)
      return false
    }
    return has.every((one) => isAlike(one, digest))
  }

  /** As far as that is known without reading anything. */
  function losesNothing(
    { digests, leave }: HeldContent,
    next: Digest,
    others: readonly Expected[],
  ): boolean {
    if (others.length === 0) return true
    return leave.length === 0 && [...digests].every((one) => isAlike(one, next))
  }

  /** Of an application that stays. One whose objects cannot be told is rolled out all the same: it leaves all. */
  async function findLeft(
    cluster: string,
    held: HeldContent,
    next: Digest,
    others: readonly Expected[],
  ): Promise<Fate> {
    const lost = await listLost(cluster, held, next)
    if (lost?.size === 0) return {}
    if (others.some(({ digest }) => digest === null)) return { leave: leaveAll }
    try {
      const wanted = await spell(cluster, listDigests(others))
      const kept = await spell(cluster, lost ? [] : [next])
      return toLeave([...wanted].filter((id) => (lost ? lost.has(id) : !kept.has(id))))
    } catch (error) {
      orUnknown(error)
      return { leave: leaveAll }
    }
  }

  /**
   * Of an application that goes: what its manifest says. What goes as a whole to others is let go.
   *
   * @throws HubError `content_missing`: then nothing is removed
   */
  async function findPolicy(
    cluster: string,
    held: HeldContent,
    assigned: Digest,
    others: readonly Expected[],
  ): Promise<Fate> {
    const going = await read(cluster, assigned)
    if (going.deletionPolicy === 'Orphan') return { deletionPolicy: 'Orphan' }
    const wanted = await spell(cluster, listDigests(others))
    if (wanted.size === 0) return { deletionPolicy: 'Delete' }
    if (going.places.length > 0 && going.places.every((id) => wanted.has(id))) {
      return { deletionPolicy: 'Orphan' }
    }
    const lost = await listLost(cluster, held, null)
    const left = toLeave([...wanted].filter((id) => !lost || lost.has(id)))
    return { deletionPolicy: 'Delete', ...left }
  }

  /** What one look at the fleet finds; the same for all applications that are decided on in it. */
  function look(fleet: Fleet, contents: Contents) {
    if (contents.fingerprints && contents.fingerprints !== noted) {
      for (const [digest, fingerprint] of contents.fingerprints) note(digest, fingerprint)
      noted = contents.fingerprints
    }
    noteBroken(fleet, contents)
    let expected: ReadonlyMap<string, readonly Expected[]> | undefined
    const others = (application: string, cluster: string): readonly Expected[] => {
      expected ??= listExpected(state, fleet, contents, isAlike)
      return (expected.get(cluster) ?? []).filter((one) => one.application !== application)
    }
    /**
     * Applications that cannot be rendered, and are not there yet or broke since Git declared this one: what
     * goes may be theirs. One that was broken before, and is there, would keep all others there for good.
     */
    const listAwaited = (application: string, cluster: string): string[] =>
      others(application, cluster)
        .filter((one) => one.digest === null)
        .map((one) => one.application)
        .filter(
          (name) =>
            !state.assignments.get(cluster)?.get(name)?.digest ||
            !listBroken(application).has(name),
        )

    return {
      /** Targets with what becomes of the objects they take away, frozen with the plan. */
      async spare(
        application: string,
        targets: RolloutPlan['targets'],
      ): Promise<RolloutPlan['targets']> {
        const heldBy = listHeld(state, application, Object.keys(targets))
        const assigned = assignedTo(state, application)
        const alike = new Map<string, Promise<Fate>>()
        const spared: Record<string, RolloutTarget> = {}
        let ids = 0
        for (const [cluster, target] of Object.entries(targets)) {
          const held = heldBy.get(cluster)!
          const mine = assigned.get(cluster)?.digest
          // A cluster that was away gets this in place of the way back, and has gone none of it.
          const undo = held.undo && { undo: true as const }
          const around = others(application, cluster)
          const isSafe = (all: readonly Expected[]): boolean =>
            target.digest !== null && losesNothing(held, target.digest, all)
          const beside = isSafe(around) ? [] : await listUnproven(cluster, around)
          if (isSafe(beside)) {
            spared[cluster] = { ...target, ...undo }
            continue
          }
          const key = JSON.stringify([target.digest, mine, [...held.digests], held.leave, beside])
          const fate =
            alike.get(key) ??
            (target.digest !== null
              ? findLeft(cluster, held, target.digest, beside)
              : mine
                ? findPolicy(cluster, held, mine, beside)
                : Promise.resolve<Fate>({}))
          alike.set(key, fate)
          const { leave, ...rest } = await fate
          ids += leave?.length ?? 0
          spared[cluster] = {
            ...target,
            ...rest,
            ...(leave && { leave: ids > mostIds ? leaveAll : leave }),
            ...undo,
          }
        }
        return spared
      },
      /** Targets with the applications that others' objects come from. */
      findGivers: createGivers({ state, fleet, contents, isAlike, read }),
      /** Whether nobody can tell whose the objects would be that a removal takes away. */
      isAwaited: (application: string, cluster: string): boolean =>
        listAwaited(application, cluster).length > 0,
      /** What could not be rendered, and runs on one of these, already when Git declared an application last. */
      listBrokenBeside: (application: string, clusters: readonly string[]): string[] =>
        [...listBroken(application)]
          .filter((name) => clusters.some((one) => assignedTo(state, name).get(one)?.digest))
          .sort(),
      /** Why an application is not removed on these clusters, if there is a reason. */
      explainAwaited(application: string, clusters: readonly string[]): Fault | undefined {
        const kept = clusters.filter((name) => listAwaited(application, name).length > 0)
        if (kept.length === 0) return undefined
        const broken = [...new Set(kept.flatMap((name) => listAwaited(application, name)))].sort()
        const what = broken.length === 1 ? 'is to come there and' : 'are to come there and'
        return {
          object: `Application ${application}`,
          message: `it is not removed on ${nameSome(kept)} yet: ${nameSome(broken)} ${what} cannot be rendered, so nobody can tell which objects go there. Mend that first, or remove it all the same: \`swell rollout start ${application}\``,
        }
      },
    }
  }

  return { look }
}

export type Look = ReturnType<ReturnType<typeof createSparing>['look']>

/** Of contents that are not stored. */
export const lookAway: Pick<Look, 'spare' | 'isAwaited' | 'findGivers' | 'listBrokenBeside'> = {
  listBrokenBeside: () => [],
  spare: async (_, targets) => targets,
  findGivers: async (_, targets) => targets,
  isAwaited: () => false,
}

function toLeave(ids: readonly string[]): Fate {
  if (ids.length === 0) return {}
  const leave = [...ids].sort()
  return { leave: isLeaveList(leave) ? leave : leaveAll }
}

function listDigests(expected: readonly Expected[]): Digest[] {
  return expected.flatMap(({ digest }) => (digest ? [digest] : []))
}

/** @throws whatever it is but that something cannot be had */
function orUnknown(error: unknown): null {
  if (error instanceof HubError && error.code === 'content_missing') return null
  throw error
}

function nameSome(names: readonly string[]): string {
  const more = names.length - mostNamed
  return `${names.slice(0, mostNamed).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
