import { parseRevision } from '@groundswell/proto/revision.ts'
import { type Fault, HubError } from '../../../hub/errors.ts'
import type { Fleet } from '../../../hub/fleet/fleet.ts'
import { emptyState } from '../../../hub/ledger/replay.ts'
import { createPipeline, type PipelineDeps } from '../../../hub/pipeline.ts'
import { loadFleet } from '../../../hub/fleet/load/load.ts'
import type { Contents } from '../../../hub/render/contents.ts'
import type { SourceView } from '../../../hub/source/sources.ts'
import type { Renderer } from '../../../hub/render/renderer.ts'

/* A pipeline over what a fleet repository says, and what came of it. */

export const api = 'apiVersion: groundswell.dev/v1alpha1'
export const clusterFile = (name: string) =>
  `${api}\nkind: Cluster\nmetadata: { name: ${name} }\nspec: {}\n`
export const at = (digit: string) => `main@sha1:${digit.repeat(40)}`
export const nothing: Contents = {
  ...{ applications: new Map(), skipped: new Map() },
  ...{ faults: [], warnings: [] },
}

/** A pipeline over a fleet repository in memory: a commit's first digit → its one file. */
export function world(commits: Record<string, string> = {}) {
  const state = emptyState()
  const accepted: string[] = []
  const renders: string[] = []
  const decided: string[] = []
  const told: (string | undefined)[] = []
  const ended: string[] = []
  const noted: string[] = []
  const waiting: (() => void)[] = []
  const life = new AbortController()
  const world = {
    unreachable: false,
    /** Applications that run. */
    running: [] as string[],
    render: async (revision: string): Promise<Contents> => {
      renders.push(revision)
      return nothing
    },
    decide: async (fleet: Fleet): Promise<Fault[]> => {
      decided.push(fleet.revision)
      return []
    },
  }
  const loaded = new Map<string, Fleet>()
  const sources: { name: string; lastFetchedAt: number; revision: string }[] = []
  const renderer: Pick<Renderer, 'has' | 'readFleet' | 'render' | 'list'> = {
    list: async () => sources as unknown as readonly SourceView[],
    has: async (revision) => textOf(revision) !== undefined,
    async readFleet(revision) {
      if (world.unreachable) throw new HubError('source_unreachable', 'Git is away')
      const text = textOf(revision)!
      const fleet =
        loaded.get(text) ?? loadFleet(revision, [{ path: 'fleet.yaml', bytes: Buffer.from(text) }])
      // As the real one does: the same files are the same fleet, at another revision.
      loaded.set(text, fleet)
      return { ...fleet, revision }
    },
    render: (revision) => world.render(revision),
  }
  const textOf = (revision: string) => commits[parseRevision(revision).commit[0]!]
  const register = { head: 7 }
  const pipeline = createPipeline({
    renderer,
    register: {
      get head() {
        return register.head
      },
      state,
      async append(_: string, [decision]: { revision: string }[]) {
        accepted.push(decision!.revision)
        state.acceptedRevision = decision!.revision
        return []
      },
    },
    deciding: {
      decide: (fleet: Fleet) => world.decide(fleet),
      warnings: () => [],
      last: {
        listUnplanned: ({ applications }: Fleet) =>
          world.running.filter((name) => !applications.has(name)),
        note: ({ revision }: Fleet) => void noted.push(revision),
      },
      async endTakenBack({ revision }: Fleet) {
        ended.push(revision)
        return []
      },
    },
    since: () => 1_000,
    onFleet: () => void told.push(pipeline.state().fleet?.revision),
    onFault: () => {},
    log() {},
    later: (_: number, run: () => void) => void waiting.push(run),
    signal: life.signal,
  } as unknown as PipelineDeps)
  const seen = { accepted, renders, decided, ended, noted, told, waiting, state, sources, register }
  return Object.assign(world, { pipeline, ...seen })
}
