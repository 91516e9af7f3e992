import type { Clock } from '../cluster/clock.ts'
import type { Cluster, LiveObject, Resource, WatchEvent } from '../cluster/port.ts'
import { createDiagnoses, type DiagnosedCluster } from './diagnose.ts'
import type { JudgeHealth } from './health-judge.ts'
import { describeEnd, type End } from './ends.ts'
import { createKindWatches, keyOf, type KindWatches, prefixOf } from './kind-watches.ts'
import {
  type Expectation,
  idOf,
  isHeldAlike,
  isNewer,
  type ObjectRecord,
  recordApplied,
  recordRecalled,
  recordSeen,
  recordUnknown,
} from './object-record.ts'
import { createRechecks } from './rechecks.ts'
import type { ObjectDrift, ObjectHealth } from './status.ts'

export interface ObserverDeps {
  readonly cluster: Pick<Cluster, 'watch'>
  /** As an application may read it: in the name of its ServiceAccount where it has one. */
  readonly clusterOf: (application: string) => DiagnosedCluster
  readonly clock: Clock
  readonly manager: string
  readonly label: string
  readonly judge: JudgeHealth
  /** Of hashes of Secrets in inventories. */
  readonly salt?: Uint8Array | undefined
  readonly ownerOf: (object: LiveObject) => { application: string; cluster: string }
  /**
   * An object as it lives, and as our apply would leave it; undefined when it is gone, or not ours to
   * write. Throws when it cannot be found out.
   */
  readonly recall: (
    application: string,
    id: string,
    signal: AbortSignal,
  ) => Promise<Recalled | undefined>
  /** Something an application's report shows has changed. */
  readonly onChange: (application: string) => void
  /** An expected object is missing or differs. */
  readonly onDrift: (application: string, id: string) => void
  /** An object has ended that goes by itself then. */
  readonly onEnd: (application: string) => void
  /** A fault of ours while reading what a watch told; watching goes on. */
  readonly onFault: (kind: string, error: unknown) => void
}

export interface Recalled {
  readonly live: LiveObject
  readonly applied: LiveObject
}

export interface Observer extends Pick<KindWatches, 'need' | 'needOnly' | 'synced'> {
  /** Replaces what an application expects of its objects. */
  expect(application: string, objects: ReadonlyMap<string, Expectation>): void
  /** Withholds judgement of an object we are writing: its event may outrun the answer. Call to end. */
  hold(id: string): () => void
  /** What an apply returned: the new truth of that object. */
  applied(
    id: string,
    expectation: Expectation,
    object: LiveObject,
    /** Digest of what was applied. */
    content: string,
  ): ObjectRecord
  /** What is known to live; undefined also while its kind was not yet read. */
  live(id: string): ObjectRecord | undefined
  /** How an expected object had ended that is gone by itself; undefined while it is there. */
  end(id: string): End | undefined
  /** True when the kind was read, so that an object that is not known does not exist. */
  isRead(apiVersion: string, kind: string): boolean
  health(application: string): ObjectHealth[]
  /** Objects that a gate takes for worse than they show. */
  gated(application: string): ObjectHealth[]
  drift(application: string): ObjectDrift[]
  /** Drift of one object; undefined when there is none. */
  driftOf(id: string): ObjectDrift | undefined
  /** Objects that were applied for an application and that nobody expects; those that go left out. */
  unexpected(application: string): ReadonlyMap<string, ObjectRecord>
}

/** Keeps the little that must be known of each labelled object, and tells when it changes. */
export function createObserver(deps: ObserverDeps, signal: AbortSignal): Observer {
  const records = new Map<string, ObjectRecord>()
  const expected = new Map<string, Expectation>()
  const byApplication = new Map<string, readonly string[]>()
  const firstSeen = new Map<string, number>()
  /** Seen alive by this agent: what was written of its absence before is over. */
  const seenAlive = new Set<string>()
  /** Objects being written, and the last thing a watch told of each meanwhile. */
  const held = new Map<string, (() => void) | undefined>()
  /** How expected objects ended that are gone by themselves. */
  const ends = new Map<string, End>()
  /** Kinds of which nothing was heard for long, and why. */
  const lost = new Map<string, string>()

  const diagnoses = createDiagnoses(
    {
      clock: deps.clock,
      clusterOf: (id) => deps.clusterOf(expected.get(id)?.application ?? ''),
      onChange: (id) => {
        const application = expected.get(id)?.application
        if (application !== undefined) deps.onChange(application)
      },
    },
    signal,
  )

  const contextOf = (object: LiveObject) => ({
    manager: deps.manager,
    judge: deps.judge,
    salt: deps.salt,
    now: deps.clock.now(),
    owner: deps.ownerOf(object),
  })

  const endOf = (id: string): End | undefined =>
    records.has(id) ? undefined : (ends.get(id) ?? expected.get(id)?.ended)

  const noteEnd = (id: string, { ended }: ObjectRecord, known?: ObjectRecord) => {
    ends.delete(id)
    const application = expected.get(id)?.application
    if (ended && ended !== known?.ended && application !== undefined) deps.onEnd(application)
  }

  const isDrifted = (id: string, expectation: Expectation) => {
    const record = records.get(id)
    if (record) return record.drift.length > 0
    if (endOf(id)) return false
    // Never applied is not missing: its error says why.
    return expectation.fieldsHash !== '' && watches.isSynced(expectation.apiVersion, kindOf(id))
  }

  const driftOf = (object: string): ObjectDrift | undefined => {
    const expectation = expected.get(object)
    if (!expectation || !isDrifted(object, expectation)) return undefined
    const record = records.get(object)
    return {
      object,
      missing: !record,
      firstSeen: firstSeen.get(object) ?? deps.clock.now(),
      fields: record?.drift ?? [],
    }
  }

  const diagnose = (id: string, { apiVersion }: Expectation) => {
    const health = records.get(id)?.health
    const ails = health === 'InProgress' || health === 'Failed'
    diagnoses.note(id, ails ? apiVersion : undefined)
  }

  const beganAt = (id: string, { missingSince }: Expectation): number => {
    const known = records.has(id) || seenAlive.has(id) ? undefined : missingSince
    return Math.min(known ?? Infinity, deps.clock.now())
  }

  const note = (id: string, changed: boolean) => {
    const expectation = expected.get(id)
    if (!expectation) return
    diagnose(id, expectation)
    const drifted = isDrifted(id, expectation)
    if (!drifted) firstSeen.delete(id)
    else if (!firstSeen.has(id)) firstSeen.set(id, beganAt(id, expectation))
    // The repair is scheduled first, so that the report it leads to can show what it repaired.
    if (drifted) deps.onDrift(expectation.application, id)
    if (changed) deps.onChange(expectation.application)
  }

  const see = (object: LiveObject) => {
    const id = idOf(object)
    if (held.has(id)) {
      held.set(id, () => see(object))
      return
    }
    const known = records.get(id)
    const expectation = expected.get(id)
    if (expectation && expectation.apiVersion !== object.apiVersion) return
    const { uid, resourceVersion } = object.metadata
    if (known && known.uid === uid && !isNewer(known.resourceVersion, resourceVersion ?? '')) return
    const record = recordSeen(object, known, expectation, contextOf(object))
    records.set(id, record)
    seenAlive.add(id)
    noteEnd(id, record, known)
    if (record.unsure) recheck(id)
    note(id, !known || differs(known, record))
  }

  const recheck = createRechecks(async (id, signal) => {
    const application = expected.get(id)?.application
    const before = records.get(id)
    if (application === undefined || !before) return
    const recalled = await deps.recall(application, id, signal).catch(() => null)
    const [record, expectation] = [records.get(id), expected.get(id)]
    // What was written meanwhile is known better, and what is being written will be.
    if (!record || !expectation || held.has(id) || signal.aborted) return
    if (record !== before && !record.unsure) return
    if (recalled) {
      const { live, applied } = recalled
      records.set(id, recordRecalled(live, applied, expectation, contextOf(live)))
      rememberSince(id)
      if (isNewer(live.metadata.resourceVersion ?? '', record.resourceVersion)) recheck(id)
    } else if (recalled === null && record.unsure) {
      records.set(id, recordUnknown(record))
    } else return
    note(id, true)
  }, signal)

  /** Drift that was there before us began when its field was changed. */
  const rememberSince = (id: string) => {
    const times = records.get(id)?.drift.flatMap(({ changedAt }) => changedAt ?? []) ?? []
    if (times.length > 0 && !firstSeen.has(id)) {
      firstSeen.set(id, Math.min(deps.clock.now(), ...times))
    }
  }

  /** Older than what is known: we wrote it a moment ago, or the cluster was restored to before. */
  const isBehind = ({ metadata, ...object }: LiveObject): boolean => {
    const known = records.get(idOf({ metadata, ...object }))
    if (!known || known.uid !== metadata.uid) return false
    return isNewer(metadata.resourceVersion ?? '', known.resourceVersion)
  }

  const lose = (id: string) => {
    const record = records.get(id)
    if (!record) return
    records.delete(id)
    if (record.ended && expected.has(id)) ends.set(id, record.ended)
    note(id, true)
    if (!expected.has(id) && record.application) deps.onChange(record.application)
  }

  const forgetGone = (object: LiveObject) => {
    const id = idOf(object)
    if (held.has(id)) held.set(id, () => forgetGone(object))
    // A late word of a predecessor says nothing of what bears its name now.
    else if (records.get(id)?.uid === object.metadata.uid) lose(id)
  }

  const tellOfKind = (resource: Resource) => {
    const prefix = prefixOf(resource)
    const names = [...expected].filter(([id]) => id.startsWith(prefix))
    for (const name of new Set(names.map(([, { application }]) => application))) deps.onChange(name)
  }

  const onEvent = (resource: Resource, event: WatchEvent) => {
    switch (event.type) {
      case 'added':
      case 'modified':
        return see(event.object)
      case 'deleted': {
        forgetGone(event.object)
        return
      }
      case 'listed': {
        for (const object of event.objects) {
          try {
            if (isBehind(object)) recheck(idOf(object))
            see(object)
          } catch (error) {
            deps.onFault(object.kind, error)
          }
        }
        return
      }
      case 'synced': {
        const there = event.ids
        const prefix = prefixOf(resource)
        if (lost.delete(keyOf(resource))) tellOfKind(resource)
        for (const id of records.keys()) if (id.startsWith(prefix) && !there.has(id)) lose(id)
        // Now that the kind is read, what was never seen is known to be missing.
        queueMicrotask(() => {
          for (const id of expected.keys()) {
            if (id.startsWith(prefix) && !records.has(id)) note(id, true)
          }
        })
        return
      }
      case 'lost': {
        lost.set(keyOf(resource), event.reason)
        tellOfKind(resource)
      }
    }
  }

  // What nobody tells of any more would be there for ever.
  const onIdle = (resource: Resource) => {
    lost.delete(keyOf(resource))
    const prefix = prefixOf(resource)
    for (const id of records.keys()) if (id.startsWith(prefix)) records.delete(id)
  }

  const watches = createKindWatches({ ...deps, onEvent, onIdle }, signal)

  return {
    need: (application, resources) => watches.need(application, resources),
    needOnly: (application, resources) => watches.needOnly(application, resources),
    synced: (resources, deadlineMs, signal) => watches.synced(resources, deadlineMs, signal),
    isRead: (apiVersion, kind) => watches.isSynced(apiVersion, kind),
    expect(application, objects) {
      for (const id of byApplication.get(application) ?? []) {
        if (expected.get(id)?.application !== application || objects.has(id)) continue
        expected.delete(id)
        firstSeen.delete(id)
        seenAlive.delete(id)
        ends.delete(id)
        diagnoses.note(id, undefined)
      }
      for (const [id, expectation] of objects) {
        const before = expected.get(id)
        expected.set(id, expectation)
        // What an object is held to has changed: what was made of its last state counts no more.
        if (before && records.has(id) && !isHeldAlike(before, expectation)) recheck(id)
      }
      byApplication.set(application, [...objects.keys()])
      deps.onChange(application)
    },
    applied(id, expectation, object, content) {
      const record = recordApplied(object, expectation, contextOf(object), content)
      expected.set(id, expectation)
      records.set(id, record)
      seenAlive.add(id)
      noteEnd(id, record)
      firstSeen.delete(id)
      diagnose(id, expectation)
      deps.onChange(expectation.application)
      return record
    },
    hold(id) {
      held.set(id, undefined)
      return () => {
        const told = held.get(id)
        held.delete(id)
        told?.()
      }
    },
    live: (id) => records.get(id),
    end: endOf,
    health(application) {
      return (byApplication.get(application) ?? []).map((object) => {
        const record = records.get(object)
        const apiVersion = expected.get(object)?.apiVersion ?? ''
        if (record) {
          const reason = lost.get(`${apiVersion}/${kindOf(object)}`)
          if (reason !== undefined && record.health === 'Current') {
            return { object, health: 'Unknown', message: `cannot be watched: ${reason}` }
          }
          const words = [record.message, diagnoses.of(object)].filter(Boolean).join('; ')
          return { object, health: record.health, message: words }
        }
        const end = endOf(object)
        if (end) return { object, health: end, message: describeEnd(end) }
        const read = watches.isSynced(apiVersion, kindOf(object))
        return { object, health: read ? 'NotFound' : 'Unknown', message: '' }
      })
    },
    gated: (application) =>
      (byApplication.get(application) ?? []).flatMap((object) => {
        const gate = records.get(object)?.gate
        return gate ? [{ object, ...gate }] : []
      }),
    drift: (application) =>
      (byApplication.get(application) ?? []).flatMap((id) => driftOf(id) ?? []),
    driftOf,
    unexpected: (application) =>
      new Map(
        [...records].filter(
          ([id, record]) =>
            record.application === application &&
            record.applied &&
            record.health !== 'Terminating' &&
            !expected.has(id),
        ),
      ),
  }
}

function differs(a: ObjectRecord, b: ObjectRecord): boolean {
  return (
    a.uid !== b.uid ||
    a.health !== b.health ||
    a.message !== b.message ||
    JSON.stringify(a.gate) !== JSON.stringify(b.gate) ||
    JSON.stringify(a.drift) !== JSON.stringify(b.drift)
  )
}

function kindOf(id: string): string {
  return id.split('/')[1] ?? ''
}
