import type { Digest } from '@groundswell/proto/digest.ts'
import { type Fault, HubError, formatFault } from './errors.ts'
import type { Fleet } from './fleet/fleet.ts'
import { describeReturn, findNewer, listOthers } from './ledger/accepted.ts'
import { newestFacts } from './ledger/facts.ts'
import type { Register } from './ledger/register.ts'
import type { Contents } from './render/contents.ts'
import type { Renderer } from './render/renderer.ts'
import type { Deciding } from './rollout/decide/decide.ts'
import type { Stopwatch } from './stopwatch.ts'
import type { Wish } from './sync/ahead.ts'

export interface PipelineDeps {
  readonly renderer: Renderer
  readonly register: Register
  readonly deciding: Deciding
  /** A fleet was taken in: what clusters may be offered can be told now. */
  readonly onFleet: () => void
  /** What Git asks was decided on. */
  readonly onDecided?: () => void
  /** What was not so in the round before. */
  readonly onFault: (kind: 'fault' | 'warning', fault: Fault) => void
  readonly log: (level: 'info' | 'warn', message: string, fields?: object) => void
  /** Times a round. */
  readonly time?: Stopwatch<'render' | 'decide'>
  /** Calls back once after so many milliseconds. */
  readonly later: (ms: number, run: () => void) => void
  /** When this hub began, in milliseconds by the clock as it is set now. */
  readonly since: () => number
  readonly signal: AbortSignal
}

/** A part of the hub that was away is asked again after this long, in milliseconds. */
const retryMs = 2_000
/** Commits that are read again at the start, in search of what the newest deleted. */
const mostRecalled = 20
/** Faults and warnings that one round makes events of. */
const mostTold = 100

/** What the hub last made of Git; the last good fleet stays whatever comes after it. */
export interface PipelineState {
  readonly fleet: Fleet | null
  /** Newer revision that was refused for its faults. */
  readonly refused: string | null
  /** Of the refused revision, or of applications that cannot be rendered or planned. */
  readonly faults: readonly Fault[]
  /** What is right but should be known: of the fleet, and of policies that keep nothing back. */
  readonly warnings: readonly Fault[]
  readonly contents: Contents | null
}

/**
 * The story of a commit up to its rollout: fleet revision seen → load → render → decide what has
 * to be rolled out. Faults stop the part they are in, never
 * what runs already.
 */
export function createPipeline(deps: PipelineDeps) {
  const { renderer, register, deciding, log, signal } = deps
  let fleet: Fleet | null = null
  /** The one that is taken in just now, or was last. */
  let newest: Fleet | null = null
  let refused: string | null = null
  let loadFaults: readonly Fault[] = []
  let workFaults: readonly Fault[] = []
  let latest: Contents | null = null
  let running: Promise<void> | undefined
  let wanted: 'decide' | 'render' | undefined
  let retrying = false
  let isLookDue = false
  /** Source → what was told of it last. */
  const heard = new Map<string, string>()
  /** Whether all that was told is in what was rendered and decided. */
  let isCurrent = false
  /** Source → what of it had been told when what was decided on last was begun to be rendered. */
  let decidedAt: ReadonlyMap<string, string> = new Map()
  /** Source → the ledger's head when what was fetched of it since this hub began had been decided on. */
  const fetched = new Map<string, number>()
  const told = { fault: new Set<string>(), warning: new Set<string>() }

  /** A new commit of the fleet repository. One with faults is refused whole. */
  async function takeFleet(revision: string): Promise<void> {
    let loaded: Fleet
    try {
      loaded = await renderer.readFleet(revision)
    } catch (error) {
      if (!(error instanceof HubError) || isAway(error)) throw error
      refused = revision
      loadFaults = error.faults.length > 0 ? error.faults : [{ message: error.message }]
      const words = loadFaults.slice(0, 20).map(formatFault)
      log('warn', `${revision} is refused, the last good one stays`, { faults: words })
      return
    }
    // On disk first: a hub that says it is ready goes on from here after a crash, with Git away.
    if (register.state.acceptedRevision !== revision) {
      await register.append('git', [{ type: 'fleet.accepted', revision }])
    }
    // A render may take its time, and what is removed meanwhile is gone.
    newest = loaded
    await deciding.endTakenBack(loaded)
    // Where only what is rolled out changed, clusters may be offered what they might before.
    const isOther = fleet?.clusters !== loaded.clusters
    fleet = loaded
    refused = null
    loadFaults = []
    log('info', `fleet repository at ${revision}`)
    if (isOther) for (const fault of loaded.warnings) log('warn', formatFault(fault))
    if (isOther) deps.onFleet()
    void evaluate()
  }

  /** Called for every new revision of any followed repository. */
  async function onRevision(name: string, revision: string): Promise<void> {
    heard.set(name, revision)
    isCurrent = false
    if (name === 'fleet') return takeFleet(revision)
    void evaluate()
  }

  /** Renders and decides; calls that come in the meantime make one more round. */
  function evaluate(): Promise<void> {
    wanted = 'render'
    isCurrent = false
    return work()
  }

  /** Decides again on what was rendered last: a cluster came, or a rollout ended. */
  function redecide(): Promise<void> {
    wanted ??= 'decide'
    return work()
  }

  /** One round at a time, as long as anything is wanted. */
  function work(): Promise<void> {
    running ??= (async () => {
      while (wanted && !signal.aborted) {
        const round = wanted === 'render' ? evaluateOnce : redecideOnce
        const stop = deps.time?.(wanted)
        wanted = undefined
        const done = round().then(() => stop?.('done'))
        await done.catch((error: unknown) => {
          stop?.('failed')
          if (signal.aborted) return
          // The next round is asked for by the news of what it moved on to.
          if (error instanceof HubError && error.code === 'conflict') return
          log('warn', 'the fleet could not be evaluated', { err: error })
          if (error instanceof HubError && isAway(error)) retryLater()
        })
      }
    })().finally(() => {
      running = undefined
      // A call that came between the last look and here.
      if (wanted && !signal.aborted) void work()
    })
    return running
  }

  function retryLater(): void {
    if (retrying) return
    retrying = true
    deps.later(retryMs, () => {
      retrying = false
      void evaluate()
    })
  }

  /** No commit tells of what is not of Git. One look is waited for at a time. */
  function lookAgain(ms: number): void {
    if (isLookDue) return
    isLookDue = true
    deps.later(ms, () => {
      isLookDue = false
      void evaluate()
    })
  }

  /** Each once, as long as it stays; the log has those beyond the bound. */
  function tellNew(kind: 'fault' | 'warning', faults: readonly Fault[]): void {
    const before = told[kind]
    told[kind] = new Set(faults.map(formatFault))
    const fresh = faults.filter((fault) => !before.has(formatFault(fault)))
    for (const fault of fresh.slice(0, mostTold)) deps.onFault(kind, fault)
  }

  /** Git decides; but whoever has seen the newer commit in force is to know. */
  function warnOfReturn(): Fault[] {
    const newer = fleet ? findNewer(register.state, fleet.revision) : undefined
    if (newer === undefined) return []
    return [{ message: `${describeReturn(fleet!.revision, newer)}; nothing is removed by that` }]
  }

  /** A removal that is begun in it may have been taken back meanwhile. */
  async function decideOn(asked: Fleet, contents: Contents): Promise<readonly Fault[]> {
    const decided = await deciding.decide(asked, contents)
    if (newest && newest !== asked) await deciding.endTakenBack(newest)
    deps.onDecided?.()
    return decided
  }

  async function redecideOnce(): Promise<void> {
    if (!fleet || !latest) return
    const decided = await decideOn(fleet, latest)
    workFaults = [...latest.faults, ...decided]
  }

  async function evaluateOnce(): Promise<void> {
    const current = fleet
    if (!current) return
    const begunAt = new Map(heard).set('fleet', current.revision)
    const facts = newestFacts(register.state)
    const rendered = await renderer.render(current.revision, signal, facts)
    if (fleet !== current) return
    latest = rendered
    const decided = await decideOn(current, rendered)
    isCurrent = wanted !== 'render'
    decidedAt = begunAt
    workFaults = [...rendered.faults, ...decided]
    for (const fault of workFaults) log('warn', formatFault(fault))
    tellNew('fault', workFaults)
    tellNew('warning', [...warnOfReturn(), ...rendered.warnings])
    if (rendered.againMs !== undefined) lookAgain(rendered.againMs)
  }

  /** How applications were declared last that are gone from a commit, where a hub died before it had planned that. */
  async function recallDeclared(accepted: string): Promise<void> {
    let lost = deciding.last.listUnplanned(await renderer.readFleet(accepted))
    const found: Fleet[] = []
    try {
      for (const revision of listOthers(register.state, accepted).slice(0, mostRecalled)) {
        if (lost.length === 0 || !(await renderer.has(revision))) break
        const before = await renderer.readFleet(revision)
        found.unshift(before)
        lost = lost.filter((name) => !before.applications.has(name))
      }
    } finally {
      // One that is refused by now ends the search: before it, what was planned may be newer.
      for (const before of found) deciding.last.note(before)
    }
  }

  /** Goes on from the last accepted commit, should what came after it be refused, or Git be away. */
  async function resume(): Promise<void> {
    const accepted = register.state.acceptedRevision
    if (fleet || !accepted) return
    try {
      if (!(await renderer.has(accepted))) return
      await recallDeclared(accepted).catch((err: unknown) => {
        log('warn', `what was declared before ${accepted} is not known`, { err })
      })
      await takeFleet(accepted)
    } catch (error) {
      log('warn', `${accepted} cannot be gone on from yet`, { err: error })
    }
  }

  /**
   * Takes note of what was fetched in this life, told, and decided on; says whether there was more than
   * before. A source that is told of from its mirror alone may be as old as a backup.
   */
  async function confirm(): Promise<boolean> {
    if (!isCurrent) return false
    const sources = await renderer.list()
    if (!isCurrent || !fleet) return false
    const before = fetched.size
    for (const { name, lastFetchedAt, revision } of sources) {
      const isDecided = name === 'fleet' ? fleet.revision : heard.get(name)
      if (fetched.has(name) || revision === null || isDecided !== revision) continue
      if ((lastFetchedAt ?? 0) >= deps.since()) fetched.set(name, register.head)
    }
    return fetched.size > before
  }

  /** What Git asks for there, once all it is said in was fetched and decided on. */
  function wish(application: string, cluster: string): Wish | undefined {
    if (!fleet || !latest) return undefined
    const declared = fleet.applications.get(application)
    const heads = ['fleet', declared?.spec.source.repository ?? 'fleet'].map((name) =>
      fetched.get(name),
    )
    if (heads.includes(undefined)) return undefined
    const since = Math.max(...heads.map((head) => head ?? 0))
    const desired = latest.applications.get(application)
    const isUnsaid = declared && !desired
    if (isUnsaid || latest.skipped.get(application)?.has(cluster)) {
      return { digest: undefined, since }
    }
    return { digest: desired?.get(cluster)?.digest ?? null, since }
  }

  /** Repositories in which an application is said, each at what of it was decided on, or before that. */
  function decided(application: string): { repository: string; revision: string }[] {
    const own = fleet?.applications.get(application)?.spec.source.repository
    return ['fleet', ...(own === undefined ? [] : [own])].flatMap((repository) => {
      const revision = decidedAt.get(repository)
      return revision === undefined ? [] : [{ repository, revision }]
    })
  }

  /** What it asked for there when it was rendered last; undefined as well where it selects nobody, which removes nothing. */
  function desired(application: string, cluster: string): Digest | null | undefined {
    if (!fleet || !latest || latest.skipped.get(application)?.has(cluster)) return undefined
    const made = latest.applications.get(application)
    if (fleet.applications.has(application) && !made?.size) return undefined
    return made?.get(cluster)?.digest ?? null
  }

  /** Renders again what a cluster is assigned, from the commits it was made of. */
  async function rebuild(cluster: string): Promise<void> {
    const mine = [...(register.state.assignments.get(cluster)?.values() ?? [])]
    for (const { application, digest, revision } of mine) {
      const plan = [...register.state.plans.values()].findLast(
        (plan) => plan.application === application && plan.targets[cluster]?.digest === digest,
      )
      const fleetRevision = plan?.fleetRevision ?? revision
      if (digest === null) continue
      try {
        const request = { application, cluster, fleetRevision, revision }
        // Which facts it was made for is not written down: of the last few, the newest that fit.
        const reported = [...(register.state.facts.get(cluster) ?? [])].reverse()
        let found: Digest | null = null
        for (const facts of reported.length > 0 ? reported : [undefined]) {
          found = await renderer.rebuild({ ...request, facts }, signal)
          if (found === digest) break
        }
        if (found !== digest) {
          log('warn', `${application} for ${cluster} renders to ${found} now, not ${digest}`)
        }
      } catch (error) {
        log('warn', `${application} for ${cluster} cannot be rebuilt`, { err: error })
      }
    }
  }

  return {
    onRevision,
    evaluate,
    redecide,
    resume,
    rebuild,
    wish,
    decided,
    desired,
    confirm,
    state: (): PipelineState => ({
      fleet,
      refused,
      faults: [...loadFaults, ...workFaults],
      warnings: [
        ...[...warnOfReturn(), ...(fleet?.warnings ?? []), ...(latest?.warnings ?? [])],
        ...deciding.warnings(),
      ],
      contents: latest,
    }),
    settle: async (): Promise<void> => running,
  }
}

/** Not a fault of what was read: it may be there the next time. */
function isAway({ code }: HubError): boolean {
  return code === 'source_unreachable' || code === 'not_ready' || code.endsWith('_unavailable')
}

export type Pipeline = ReturnType<typeof createPipeline>
