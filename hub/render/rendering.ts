import { posix } from 'node:path'
import { parseRevision } from '@groundswell/proto/revision.ts'
import type { Proposal } from '../check/proposal.ts'
import { HubError } from '../errors.ts'
import type { FleetFacts } from '../fleet/resolve/cluster-facts.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { FleetMemory, KnownFleet } from '../fleet/memory/fleet-memory.ts'
import { loadFleetInTurns } from '../fleet/load/load.ts'
import { RefusedFleet } from '../fleet/load/refused-fleet.ts'
import { toSourceSpec } from '../fleet/input/repository-spec.ts'
import { findUnsignedFaults } from '../fleet/resolve/tenancy.ts'
import type { PolicyLoader } from '../policy/load.ts'
import { tellPolicies } from '../policy/tell-policies.ts'
import { createSerial } from '../rollout/advance/serial.ts'
import type { Mirror } from '../source/source.ts'
import { type Sources, viewSource } from '../source/sources.ts'
import type { VisitedRef } from '../source/visit.ts'
import { listContentAuthors } from './authors.ts'
import type { Contents, createContents } from './contents.ts'
import type { FleetText } from './fleet-text.ts'
import type { Renderer } from './renderer.ts'
import type { Turn } from '../turns.ts'

export interface RenderingDeps {
  /** Directory of the fleet repository that holds the configuration. */
  readonly path: string
  readonly sources: Sources
  /** Who has to sign the fleet repository's commits; undefined when nobody has to. */
  readonly fleetSigners: string | undefined
  readonly contents: ReturnType<typeof createContents>
  /**
   * Another hub led since these mirrors were fetched: their heads are of before, and count only once
   * they are fetched again. Else the fleet would go back to an old commit, for a moment.
   */
  readonly inherited?: boolean
  readonly loadPolicies: PolicyLoader
  /** Looks at what is not followed, beside the revisions that sources have now. */
  readonly propose: (
    ref: VisitedRef,
    facts: FleetFacts,
    signal: AbortSignal,
    heads: ReadonlyMap<string, string>,
  ) => Promise<Proposal>
  /** Tells the signer what was rendered. */
  readonly attest: (fleet: Fleet, contents: Contents) => Promise<void>
  /** Keeps the last revision of the fleet repository that was without faults, over restarts. */
  readonly lastGood: { read(): Promise<string | null>; write(revision: string): Promise<void> }
  /** Keeps what was read last, over restarts; without it, all is read anew. */
  readonly fleetMemory?: FleetMemory | undefined
  /** News for whoever decides; a throw is a failed fetch, which is tried again. */
  readonly onRevision: (name: string, revision: string) => Promise<void>
  readonly signal: AbortSignal
  /** For one piece of long work, so that others are served meanwhile. */
  readonly turn: () => Turn
  readonly log: (level: 'info' | 'warn', message: string, fields?: object) => void
}

/** The renderer as its own process has it: also what only it may do. */
export interface LocalRenderer extends Renderer {
  /** Goes on from what the mirrors hold, so that Git may be away. The fleet's is open by now. */
  recall(): Promise<void>
  /** A source has another revision. */
  onRevision(name: string, revision: string): Promise<void>
  /** Revisions that sources have now, by name. */
  heads(): ReadonlyMap<string, string>
  /** The configuration files at a revision, for those who load them; none when they know the tree. */
  readText(revision: string, known?: string): Promise<FleetText>
}

/**
 * From Git to content. It loads the fleet by itself, so that repositories, patches and targets are
 * those of Git, and attests only what is rendered at the revisions it fetched last.
 */
export function createRenderer(deps: RenderingDeps): LocalRenderer {
  const { sources, contents, log } = deps
  const heads = new Map<string, string>()
  const serial = createSerial()
  /** Of those fetched, the last that was without faults. */
  let newest: Fleet | undefined
  /** By the tree it was loaded from: most commits change what is rolled out, not the fleet. */
  let loadedLast: KnownFleet | undefined

  function fleetMirror(): Mirror {
    const mirror = sources.mirror('fleet')
    if (mirror) return mirror
    throw new HubError('source_unreachable', 'the fleet repository was not opened yet')
  }

  async function readText(revision: string, known?: string): Promise<FleetText> {
    const mirror = fleetMirror()
    const { commit } = parseRevision(revision)
    const tree = await mirror.readTree(commit, posix.normalize(deps.path))
    if (tree.id === known) return { tree: tree.id, files: [] }
    const files = tree.files.filter(({ path }) => /\.ya?ml$/i.test(path))
    const bytes = await mirror.readBlobs(files.map(({ oid }) => oid))
    return {
      tree: tree.id,
      files: files.map(({ path }, at) => ({
        path: posix.join(deps.path, path),
        bytes: bytes[at]!,
      })),
    }
  }

  async function readFleet(revision: string): Promise<Fleet> {
    const before = (loadedLast ??= await recallLast())
    const { tree, files } = await readText(revision, before?.tree)
    if (before?.tree === tree) return { ...before.fleet, revision }
    const fleet = await loadFleetInTurns(revision, files, deps.turn())
    const faults = findUnsignedFaults(fleet, deps.fleetSigners)
    if (faults.length > 0) throw new RefusedFleet(fleet, faults)
    loadedLast = { tree, fleet }
    return fleet
  }

  /** Who has to sign is said at each start: what was taken then may be refused now, and says where. */
  async function recallLast(): Promise<KnownFleet | undefined> {
    const known = await deps.fleetMemory?.recall()
    const refused = known && findUnsignedFaults(known.fleet, deps.fleetSigners).length > 0
    return refused ? undefined : known
  }

  /** A policy that cannot be read must refuse the commit, as any other fault of its files does. */
  async function checkPolicies(fleet: Fleet): Promise<Fleet> {
    if (fleet.policies.size === 0) return fleet
    const { commit } = parseRevision(fleet.revision)
    await deps.loadPolicies(fleet, { mirror: fleetMirror(), commit }, deps.signal)
    return fleet
  }

  /** What all who load it refuse is told at once. */
  async function readChecked(revision: string): Promise<Fleet> {
    const fleet = await readFleet(revision).catch(async (error: unknown) => {
      throw await tellPolicies(error, checkPolicies)
    })
    return checkPolicies(fleet)
  }

  async function followRepositories(fleet: Fleet): Promise<void> {
    for (const repository of fleet.repositories.values()) {
      const { spec, interval } = toSourceSpec(repository)
      try {
        const before = sources.mirror(spec.name)
        const mirror = await sources.open(spec)
        // Of another URL or ref, what was read before it says nothing.
        if (mirror !== before) heads.delete(spec.name)
        const head = deps.inherited === true || heads.has(spec.name) ? null : await mirror.head()
        if (head !== null) heads.set(spec.name, head)
        if (repository.spec.suspend) sources.suspend(spec.name)
        else sources.follow(spec.name, interval)
      } catch (error) {
        log('warn', `repository ${spec.name} cannot be followed: ${(error as Error).message}`)
      }
    }
    for (const name of sources.names()) {
      if (name === 'fleet' || fleet.repositories.has(name)) continue
      heads.delete(name)
      await sources.drop(name)
    }
  }

  /** The newest commit of the fleet repository; one with faults is refused by all who load it. */
  async function takeFleet(revision: string): Promise<void> {
    heads.set('fleet', revision)
    try {
      const fleet = await readChecked(revision)
      newest = fleet
      await followRepositories(fleet)
    } catch (error) {
      if (!(error instanceof HubError) || isAway(error)) throw error
      return
    }
    await deps.lastGood.write(revision)
    if (loadedLast) void deps.fleetMemory?.keep(loadedLast)
  }

  /** What a mirror lacks is fetched when its repository can be reached. */
  async function attempt(work: Promise<void>): Promise<void> {
    await work.catch((err: unknown) => {
      log('warn', 'what the mirrors hold is not enough to go on from', { err })
    })
  }

  async function renderAll(
    revision: string,
    signal: AbortSignal,
    facts: FleetFacts = new Map(),
  ): Promise<Contents> {
    const fleet = await readFleet(revision)
    const attestable = newest?.revision === revision
    if (newest && !attestable) throw moved(revision)
    if (!newest) await followRepositories(fleet)
    const made = await contents.render(
      { fleet, revisions: new Map(heads).set('fleet', revision), facts },
      signal,
    )
    if (!attestable) return made
    if (newest?.revision !== revision) throw moved(revision)
    await deps.attest(fleet, made)
    return made
  }

  return {
    readFleet: readChecked,
    async readText(revision, known) {
      await readChecked(revision)
      return readText(revision, known)
    },
    heads: () => heads,
    async recall() {
      if (deps.inherited === true) return
      const mirror = fleetMirror()
      const [good, head] = [await deps.lastGood.read(), await mirror.head()]
      if (good && good !== head && (await mirror.has(parseRevision(good).commit))) {
        await attempt(takeFleet(good))
      }
      if (head !== null) await attempt(takeFleet(head))
      for (const [name, revision] of heads) await attempt(deps.onRevision(name, revision))
    },
    async onRevision(name, revision) {
      if (name === 'fleet') await takeFleet(revision)
      else heads.set(name, revision)
      await deps.onRevision(name, revision)
    },
    async has(revision) {
      return (await sources.mirror('fleet')?.has(parseRevision(revision).commit)) ?? false
    },
    // One at a time: what is attested last is what Git asked for last.
    render: (revision, signal, facts) =>
      serial.run('render', () => renderAll(revision, signal, facts)),
    async rebuild({ application, cluster, fleetRevision, revision, facts: of }, signal) {
      contents.forget()
      const fleet = await readFleet(fleetRevision)
      const repository = fleet.applications.get(application)?.spec.source.repository ?? 'fleet'
      // Of bases, what is followed now: which commit they had then is not written down.
      const revisions = new Map(heads).set('fleet', fleetRevision).set(repository, revision)
      const only = { application, cluster }
      const facts: FleetFacts = new Map(of && [[cluster, of]])
      const made = await contents.render({ fleet, revisions, only, facts }, signal)
      return made.applications.get(application)?.get(cluster)?.digest ?? null
    },
    propose: (ref, signal, facts = new Map()) => deps.propose(ref, facts, signal, heads),
    describe: (repository, revision) => sources.describe(repository, revision),
    async contains(repository, revision, commit) {
      const mirror = sources.mirror(repository)
      if (mirror) return mirror.contains(parseRevision(revision).commit, commit)
      throw new HubError('source_unreachable', `repository ${repository} was not read yet`)
    },
    authors: (request) =>
      listContentAuthors({ readFleet, mirror: (name) => sources.mirror(name) }, request),
    hint: async (name) => sources.hint(name),
    list: async () => sources.list().map(viewSource),
  }
}

/** Not a fault of the commit: what is away now may be there the next time. */
function isAway({ code }: HubError): boolean {
  return code === 'source_unreachable' || code === 'engine_unavailable'
}

function moved(revision: string): HubError {
  return new HubError('conflict', `the fleet repository has moved on from ${revision}`)
}
