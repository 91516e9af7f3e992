import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { parseRevision } from '@groundswell/proto/revision.ts'
import type { HubError } from '../errors.ts'
import {
  type FollowedSource,
  type FollowOptions,
  followSource,
  type SourceState,
} from './follow.ts'
import type { Mirror, SourceSpec } from './source.ts'

/** A repository that is followed, as far as people are told of it. */
export interface SourceView {
  /** Name of the Repository, or `fleet`. */
  readonly name: string
  /** Without credentials. */
  readonly url: string
  /** Branch, tag or commit. */
  readonly ref: string
  readonly revision: string | null
  /** Milliseconds since the epoch. */
  readonly lastFetchedAt: number | null
  readonly error: string | null
}

export interface SourcesDeps {
  /** Where mirrors live; one directory each, named by what they mirror. */
  readonly directory: string
  readonly openMirror: (spec: SourceSpec, directory: string) => Promise<Mirror>
  readonly timing: Pick<FollowOptions, 'now' | 'random' | 'sleep'>
  readonly onRevision: (name: string, revision: string) => Promise<void>
  readonly onFailure: (name: string, error: HubError) => void
  readonly signal: AbortSignal
}

export interface Source {
  readonly spec: SourceSpec
  readonly mirror: Mirror
  readonly state: SourceState
}

interface Entry {
  readonly spec: SourceSpec
  readonly key: string
  readonly mirror: Mirror
  readonly stop: AbortController
  followed: FollowedSource | undefined
}

const untouched: SourceState = { revision: null, lastFetchedAt: null, failure: null }

/** All repositories the hub follows, by name; `fleet` is the fleet repository. */
export function createSources(deps: SourcesDeps) {
  const entries = new Map<string, Entry>()

  /** Opens the mirror without following it yet, so that what is here already can be read. */
  async function open(spec: SourceSpec): Promise<Mirror> {
    const key = JSON.stringify([spec.url, spec.ref, spec.credential, spec.timeout])
    const known = entries.get(spec.name)
    if (known?.key === key) return known.mirror
    await drop(spec.name)
    const folder = createHash('sha256')
      .update(JSON.stringify([spec.name, spec.url]))
      .digest('hex')
    const mirror = await deps.openMirror(spec, join(deps.directory, folder.slice(0, 16)))
    entries.set(spec.name, { spec, key, mirror, stop: new AbortController(), followed: undefined })
    return mirror
  }

  function follow(name: string, interval: number): void {
    const entry = entries.get(name)
    if (!entry || entry.followed) return
    entry.followed = followSource(entry.mirror, {
      ...deps.timing,
      interval,
      onRevision: (revision) => deps.onRevision(name, revision),
      onFailure: (error) => deps.onFailure(name, error),
      signal: AbortSignal.any([deps.signal, entry.stop.signal]),
    })
  }

  async function drop(name: string): Promise<void> {
    const entry = entries.get(name)
    if (!entry) return
    entries.delete(name)
    entry.stop.abort()
    await entry.followed?.ended
    await entry.mirror.close()
  }

  return {
    open,
    follow,
    drop,
    names: () => [...entries.keys()],
    mirror: (name: string): Mirror | undefined => entries.get(name)?.mirror,
    /** Who made the commit at a revision and what they said; `git` and nothing when it is not here. */
    async describe(name: string, revision: string): Promise<{ author: string; subject: string }> {
      const { commit } = parseRevision(revision)
      const found = await entries
        .get(name)
        ?.mirror.describe(commit)
        .catch(() => undefined)
      return found ?? { author: 'git', subject: '' }
    },
    /** Look soon at one source, or at all. Says whether there is such a source. */
    hint(name?: string): boolean {
      const hinted = name === undefined ? [...entries.values()] : [entries.get(name)]
      for (const entry of hinted) entry?.followed?.hint()
      return hinted.some((entry) => entry !== undefined)
    },
    list: (): Source[] =>
      [...entries.values()].map(({ spec, mirror, followed }) => ({
        spec,
        mirror,
        state: followed?.state ?? untouched,
      })),
    async close(): Promise<void> {
      await Promise.all([...entries.keys()].map(drop))
    },
  }
}

/** Where a repository is fetched from, as people configure it but without credentials. */
export function urlOf(sources: Pick<Sources, 'list'>, name: string): string {
  const url = sources.list().find(({ spec }) => spec.name === name)?.spec.url ?? ''
  return hideCredentials(url)
}

export function viewSource({ spec, state }: Source): SourceView {
  return {
    name: spec.name,
    url: hideCredentials(spec.url),
    ref: Object.values(spec.ref)[0] ?? '',
    revision: state.revision,
    lastFetchedAt: state.lastFetchedAt,
    error: state.failure?.error.message ?? null,
  }
}

function hideCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//')
}

export type Sources = ReturnType<typeof createSources>
