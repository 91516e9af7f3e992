import { posix } from 'node:path'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { type Fault, HubError, formatFault } from './errors.ts'
import type { Fleet } from './fleet/fleet.ts'
import { loadFleet } from './fleet/load.ts'
import { toSourceSpec } from './fleet/repository-spec.ts'
import type { Register } from './ledger/register.ts'
import type { Contents, createContents } from './render/contents.ts'
import type { Deciding } from './rollout/decide.ts'
import type { Mirror } from './source/source.ts'
import type { Sources } from './source/sources.ts'

export interface PipelineDeps {
  readonly path: string
  readonly sources: Sources
  readonly register: Register
  readonly contents: ReturnType<typeof createContents>
  readonly deciding: Deciding
  /** Tells the signer what was rendered, before anything of it is decided. */
  readonly attest?: (fleet: Fleet, contents: Contents) => Promise<void>
  /** A fleet was taken in: what clusters may be offered can be told now. */
  readonly onFleet: () => void
  readonly log: (level: 'info' | 'warn', message: string, fields?: object) => void
  readonly signal: AbortSignal
}

/** What the hub last made of Git; the last good fleet stays whatever comes after it. */
export interface PipelineState {
  readonly fleet: Fleet | null
  /** Newer revision that was refused for its faults. */
  readonly refused: string | null
  /** Of the refused revision, or of applications that cannot be rendered or planned. */
  readonly faults: readonly Fault[]
  readonly contents: Contents | null
}

/**
 * The story of a commit up to its rollout: fleet revision seen → load → follow its repositories →
 * render → store → decide what has to be rolled out. Faults stop the part they are in, never
 * what runs already.
 */
export function createPipeline(deps: PipelineDeps) {
  const { sources, register, contents, deciding, log, signal } = deps
  let fleet: Fleet | null = null
  let refused: string | null = null
  let loadFaults: readonly Fault[] = []
  let workFaults: readonly Fault[] = []
  let latest: Contents | null = null
  const revisions = new Map<string, string>()
  let running: Promise<void> | undefined
  let wanted: 'decide' | 'render' | undefined

  /** By the tree it was loaded from: most commits change what is rolled out, not the fleet. */
  let loadedLast: { readonly tree: string; readonly fleet: Fleet } | undefined

  async function readFleet(mirror: Mirror, revision: string): Promise<Fleet> {
    const { commit } = parseRevision(revision)
    const tree = await mirror.readTree(commit, posix.normalize(deps.path))
    if (loadedLast?.tree === tree.id) return { ...loadedLast.fleet, revision }
    const files = tree.files.filter(({ path }) => /\.ya?ml$/i.test(path))
    const bytes = await mirror.readBlobs(files.map(({ oid }) => oid))
    const loaded = loadFleet(
      revision,
      files.map(({ path }, at) => ({ path: posix.join(deps.path, path), bytes: bytes[at]! })),
    )
    loadedLast = { tree: tree.id, fleet: loaded }
    return loaded
  }

  /** A new commit of the fleet repository. One with faults is refused whole. */
  async function takeFleet(revision: string): Promise<void> {
    let loaded: Fleet
    try {
      loaded = await readFleet(sources.mirror('fleet')!, revision)
    } catch (error) {
      if (!(error instanceof HubError) || error.code === 'source_unreachable') throw error
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
    fleet = loaded
    refused = null
    loadFaults = []
    revisions.set('fleet', revision)
    log('info', `fleet repository at ${revision}`)
    deps.onFleet()
    await followRepositories(loaded)
    void evaluate()
  }

  async function followRepositories(loaded: Fleet): Promise<void> {
    for (const repository of loaded.repositories.values()) {
      if (repository.spec.suspend) continue
      const { spec, interval } = toSourceSpec(repository)
      try {
        await sources.open(spec)
        sources.follow(spec.name, interval)
      } catch (error) {
        log('warn', `repository ${spec.name} cannot be followed: ${(error as Error).message}`)
      }
    }
    for (const name of sources.names()) {
      if (name === 'fleet' || loaded.repositories.has(name)) continue
      revisions.delete(name)
      await sources.drop(name)
    }
  }

  /** Called for every new revision of any followed repository. */
  async function onRevision(name: string, revision: string): Promise<void> {
    if (name === 'fleet') return takeFleet(revision)
    revisions.set(name, revision)
    void evaluate()
  }

  /** Renders and decides; calls that come in the meantime make one more round. */
  function evaluate(): Promise<void> {
    wanted = 'render'
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
        wanted = undefined
        await round().catch((error: unknown) => {
          if (!signal.aborted) log('warn', 'the fleet could not be evaluated', { err: error })
        })
      }
    })().finally(() => {
      running = undefined
      // A call that came between the last look and here.
      if (wanted && !signal.aborted) void work()
    })
    return running
  }

  async function redecideOnce(): Promise<void> {
    if (!fleet || !latest) return
    const decided = await deciding.decide(fleet, latest)
    workFaults = [...latest.faults, ...decided]
  }

  async function evaluateOnce(): Promise<void> {
    const current = fleet
    if (!current) return
    const rendered = await contents.render({ fleet: current, revisions }, signal)
    if (fleet !== current) return
    await deps.attest?.(current, rendered)
    latest = rendered
    const decided = await deciding.decide(current, rendered)
    workFaults = [...rendered.faults, ...decided]
    for (const fault of workFaults) log('warn', formatFault(fault))
  }

  /**
   * Goes on from the last accepted commit, from what the mirror holds, with Git away if need be.
   * The mirror of the fleet repository is open by now.
   */
  async function resume(): Promise<void> {
    const accepted = register.state.acceptedRevision
    const mirror = sources.mirror('fleet')
    if (!accepted || !mirror || !(await mirror.has(parseRevision(accepted).commit))) return
    await takeFleet(accepted)
  }

  /** Renders again what a cluster is assigned, from the commits it was made of. */
  async function rebuild(cluster: string): Promise<void> {
    contents.forget()
    const mirror = sources.mirror('fleet')
    const mine = [...(register.state.assignments.get(cluster)?.values() ?? [])]
    for (const { application, digest, revision } of mine) {
      const plan = [...register.state.plans.values()].findLast(
        (plan) => plan.application === application && plan.targets[cluster]?.digest === digest,
      )
      const fleetRevision = plan?.fleetRevision ?? revision
      if (digest === null || !mirror) continue
      try {
        const then = await readFleet(mirror, fleetRevision)
        const repository = then.applications.get(application)?.spec.source.repository ?? 'fleet'
        const at = new Map([
          ['fleet', fleetRevision],
          [repository, revision],
        ])
        const made = await contents.render(
          { fleet: then, revisions: at, only: { application, cluster } },
          signal,
        )
        const found = made.applications.get(application)?.get(cluster)?.digest
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
    state: (): PipelineState => ({
      fleet,
      refused,
      faults: [...loadFaults, ...workFaults],
      contents: latest,
    }),
    settle: async (): Promise<void> => running,
  }
}

export type Pipeline = ReturnType<typeof createPipeline>
