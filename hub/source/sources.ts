import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { parseRevision } from '@groundswell/proto/revision.ts'
import type { HubError, HubErrorCode } from '../errors.ts'
import {
  type FollowedSource,
  type FollowOptions,
  followSource,
  type SourceState,
  untouched,
} from './follow.ts'
import type { Mirror, SourceSpec } from './source.ts'

/** A repository that is followed, as far as people are told of it. */
export interface SourceView {
  /** Name of the Repository, or `fleet`. */
  readonly name: string
  /** Without credentials. */
  readonly url: string
  /** Branch, tag, commit or range of versions. */
  readonly ref: string
  /** The last good one, whatever went wrong after it. */
  readonly revision: string | null
  /** Milliseconds since the epoch. */
  readonly lastFetchedAt: number | null
  /** Milliseconds since the epoch; null while a fetch runs, and for a source that is suspended. */
  readonly nextFetchAt: number | null
  /** Milliseconds between two polls. */
  readonly interval: number | null
  readonly suspended: boolean
  /** Who signed the revision; null where nothing has to be signed. */
  readonly signer: string | null
  readonly failure: SourceFailure | null
}

/** What has gone wrong ever since the last good fetch. */
export interface SourceFailure {
  readonly code: HubErrorCode
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly since: number
  /** Fetches that failed in a row. */
  readonly count: number
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
  readonly interval: number | null
  readonly suspended: boolean
}

interface Entry {
  readonly spec: SourceSpec
  readonly key: string
  readonly mirror: Mirror
  interval: number | null
  suspended: boolean
  following: { readonly source: FollowedSource; readonly stop: AbortController } | undefined
  /** As it was when following ended. */
  last: SourceState
}

const idle = { interval: null, suspended: false, following: undefined, last: untouched }

/** All repositories the hub follows, by name; `fleet` is the fleet repository. */
export function createSources(deps: SourcesDeps) {
  const entries = new Map<string, Entry>()

  /** Opens the mirror without following it yet, so that what is here already can be read. */
  async function open(spec: SourceSpec): Promise<Mirror> {
    const key = JSON.stringify([spec.url, spec.ref, spec.credential, spec.timeout, spec.verify])
    const known = entries.get(spec.name)
    if (known?.key === key) return known.mirror
    await drop(spec.name)
    const folder = createHash('sha256')
      .update(JSON.stringify([spec.name, spec.url]))
      .digest('hex')
    const mirror = await deps.openMirror(spec, join(deps.directory, folder.slice(0, 16)))
    const entry = { spec, key, mirror, ...idle }
    entries.set(spec.name, entry)
    return mirror
  }

  /** Polls from now on, or at another interval (milliseconds) from the next poll on. */
  function follow(name: string, interval: number): void {
    const entry = entries.get(name)
    if (!entry) return
    entry.interval = interval
    entry.suspended = false
    if (entry.following) return
    const stop = new AbortController()
    const source = followSource(entry.mirror, {
      ...deps.timing,
      interval: () => entry.interval ?? interval,
      initial: entry.last,
      onRevision: (revision) => deps.onRevision(name, revision),
      onFailure: (error) => deps.onFailure(name, error),
      signal: AbortSignal.any([deps.signal, stop.signal]),
    })
    entry.following = { source, stop }
  }

  /** Polls no more; what was read stays readable. */
  function suspend(name: string): void {
    const entry = entries.get(name)
    if (!entry) return
    entry.suspended = true
    if (!entry.following) return
    const { source, stop } = entry.following
    stop.abort()
    entry.last = { ...source.state, nextFetchAt: null }
    entry.following = undefined
  }

  async function drop(name: string): Promise<void> {
    const entry = entries.get(name)
    if (!entry) return
    entries.delete(name)
    entry.following?.stop.abort()
    await entry.following?.source.ended
    await entry.mirror.close()
  }

  return {
    open,
    follow,
    suspend,
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
      for (const entry of hinted) entry?.following?.source.hint()
      return hinted.some((entry) => entry !== undefined)
    },
    list: (): Source[] =>
      [...entries.values()].map(({ spec, mirror, interval, suspended, following, last }) => ({
        spec,
        mirror,
        interval,
        suspended,
        state: following?.source.state ?? last,
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

export function viewSource({ spec, mirror, state, interval, suspended }: Source): SourceView {
  const { revision, lastFetchedAt, nextFetchAt, failure } = state
  return {
    name: spec.name,
    url: hideCredentials(spec.url),
    ref: Object.values(spec.ref)[0] ?? '',
    revision,
    lastFetchedAt,
    nextFetchAt,
    interval,
    suspended,
    signer: mirror.signer(),
    failure: failure && {
      code: failure.error.code,
      message: failure.error.message,
      since: failure.since,
      count: failure.count,
    },
  }
}

function hideCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//')
}

export type Sources = ReturnType<typeof createSources>
