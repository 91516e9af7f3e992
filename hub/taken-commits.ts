import { parseRevision } from '@groundswell/proto/revision.ts'
import { HubError } from './errors.ts'
import type { Renderer } from './render/renderer.ts'
import { createSlots } from './slots.ts'

/** A repository at what was read of it. */
export interface ReadRepository {
  /** Name of the Repository, or `fleet`. */
  readonly repository: string
  readonly revision: string
}

/** Whether a commit is part of what was rendered and decided on last, and where. */
export type CommitTaken =
  | ({ readonly state: 'taken' } & ReadRepository)
  /** The fleet repository was refused at this commit, or at one made on it: what was good before goes on. */
  | ({ readonly state: 'refused' } & ReadRepository)
  | { readonly state: 'notYet' }

export interface TakenCommitsDeps {
  readonly renderer: Pick<Renderer, 'contains'>
  /** Repositories in which an application is said, each at what of it was decided on, or before that. */
  readonly decided: (application: string) => readonly ReadRepository[]
  /** Revision of the fleet repository that was refused. */
  readonly refused: () => string | null
}

/** Questions of which the answer is kept: it is for ever the same. */
const mostKnown = 1_000
/** Each runs Git, and whoever may see an application can ask about any number of commits. */
const [mostAtOnce, mostWaiting] = [4, 200]

/** Finds out whether what clusters are to run for an application takes a commit into account yet. */
export function createTakenCommits({ renderer, decided, refused }: TakenCommitsDeps) {
  const known = new Map<string, Promise<boolean>>()
  const slots = createSlots({
    most: mostAtOnce,
    waiting: {
      most: mostWaiting,
      full: () => new HubError('busy', 'too many commits are asked about; try again in a moment'),
    },
  })

  function contains({ repository, revision }: ReadRepository, commit: string): Promise<boolean> {
    if (parseRevision(revision).commit === commit) return Promise.resolve(true)
    const key = JSON.stringify([repository, revision, commit])
    const before = known.get(key)
    if (before) return before
    const asked = slots.run(() => renderer.contains(repository, revision, commit))
    known.set(key, asked)
    // Who could not be asked has not said no.
    asked.catch(() => {
      if (known.get(key) === asked) known.delete(key)
    })
    for (const oldest of known.keys()) {
      if (known.size <= mostKnown) break
      known.delete(oldest)
    }
    return asked
  }

  /**
   * @param commit its whole id
   * @throws HubError `busy`, `renderer_unavailable`, `source_unreachable`
   */
  return async function findTaken(application: string, commit: string): Promise<CommitTaken> {
    for (const one of decided(application)) {
      if (await contains(one, commit)) return { state: 'taken', ...one }
    }
    const revision = refused()
    const newer = revision === null ? undefined : { repository: 'fleet', revision }
    const isRefused = newer !== undefined && (await contains(newer, commit))
    return isRefused ? { state: 'refused', ...newer } : { state: 'notYet' }
  }
}
