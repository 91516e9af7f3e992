import { type HubErrorCode, HubError, hubErrorCodes } from '../errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { loadFleetInTurns } from '../fleet/load/load.ts'
import type { Turn } from '../turns.ts'
import type { AuthorsRequest } from '../render/authors.ts'
import type { RebuildRequest, Renderer } from '../render/renderer.ts'
import type { LocalRenderer } from '../render/rendering.ts'
import type { SourceFailure, SourceView } from '../source/sources.ts'
import type { Methods } from './answerer.ts'
import type { Caller } from './caller.ts'
import { formatContents, parseContents } from './contents-wire.ts'
import { formatFacts, parseFacts } from '../fleet/resolve/facts-wire.ts'
import { formatProposal, parseProposal, parseVisitedRef } from './proposal-wire.ts'
import {
  formatBytes,
  parseBytes,
  parseDigestOrNull,
  parseList,
  parseNumber,
  parseObject,
  parseText,
} from './parse.ts'

/* The renderer, from another process. */

const deadlineMs = 30_000
/** Of a whole fleet; one that is given up goes on from what it rendered. */
const renderMs = 30 * 60_000

/** What the front end may ask. */
export function answerRendering(renderer: LocalRenderer): Methods {
  return {
    readText: judged(async (params) => {
      const { revision, known } = parseObject(params)
      const { tree, files } = await renderer.readText(parseText(revision), parseText(known))
      return { tree, files: files.map(({ path, bytes }) => ({ path, bytes: formatBytes(bytes) })) }
    }),
    has: judged(async (params) => renderer.has(parseText(params))),
    render: judged(async (params, signal) => {
      const { revision, facts } = parseObject(params)
      return formatContents(await renderer.render(parseText(revision), signal, parseFacts(facts)))
    }),
    rebuild: judged(async (params, signal) => renderer.rebuild(parseRebuild(params), signal)),
    propose: judged(async (params, signal) => {
      const { ref, facts } = parseObject(params)
      const told = await renderer.propose(parseVisitedRef(ref), signal, parseFacts(facts))
      return formatProposal(told)
    }),
    describe: judged(async (params) => {
      const { repository, revision } = parseObject(params)
      return renderer.describe(parseText(repository), parseText(revision))
    }),
    contains: judged(async (params) => {
      const { repository, revision, commit } = parseObject(params)
      return renderer.contains(parseText(repository), parseText(revision), parseText(commit))
    }),
    authors: judged(async (params) => renderer.authors(parseAuthorsRequest(params))),
    hint: judged(async (params) => renderer.hint(parseText(params))),
    list: async () => renderer.list(),
  }
}

export function createRemoteRenderer(caller: Caller, turn: () => Turn): Renderer {
  /** By the tree it was loaded from. */
  let loadedLast: { readonly tree: string; readonly fleet: Fleet } | undefined

  async function ask<T>(
    method: string,
    params: unknown,
    parse: (answer: unknown) => T,
    options: { readonly deadlineMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const answer = await caller.call(method, params, { deadlineMs, ...options })
    try {
      return parse(answer)
    } catch (cause) {
      throw wrong('renderer_unavailable', `the renderer's answer to ${method} is not one`, cause)
    }
  }

  return {
    async readFleet(revision) {
      const before = loadedLast
      const params = { revision, known: before?.tree ?? '' }
      const { tree, files } = await ask('readText', params, parseFleetText)
      if (before?.tree === tree) return { ...before.fleet, revision }
      const fleet = await loadFleetInTurns(revision, files, turn())
      loadedLast = { tree, fleet }
      return fleet
    },
    has: (revision) => ask('has', revision, (answer) => answer === true),
    render: (revision, signal, facts = new Map()) =>
      ask('render', { revision, facts: formatFacts(facts) }, parseContents, {
        ...{ deadlineMs: renderMs, signal },
      }),
    rebuild: ({ facts: of, ...request }, signal) => {
      const facts = formatFacts(new Map(of && [[request.cluster, of]]))
      const options = { deadlineMs: renderMs, signal }
      return ask('rebuild', { ...request, facts }, parseDigestOrNull, options)
    },
    propose: (ref, signal, facts = new Map()) =>
      ask('propose', { ref, facts: formatFacts(facts) }, parseProposal, {
        ...{ deadlineMs: renderMs, signal },
      }),
    // Words for people: nothing waits for them.
    describe: (repository, revision) =>
      ask('describe', { repository, revision }, parseCommit).catch(() => ({
        author: 'git',
        subject: '',
      })),
    contains: (repository, revision, commit) =>
      ask('contains', { repository, revision, commit }, (answer) => answer === true),
    authors: (request) => ask('authors', request, (answer) => parseList(answer).map(parseText)),
    hint: (name) => ask('hint', name, (answer) => answer === true),
    list: () => ask('list', null, (answer) => parseList(answer).map(parseSource)),
  }
}

/** News of a source, as it travels. @throws TypeError */
export function parseNews(value: unknown): { name: string; revision: string } {
  const { name, revision } = parseObject(value)
  return { name: parseText(name), revision: parseText(revision) }
}

function parseFleetText(answer: unknown) {
  const { tree, files } = parseObject(answer)
  return {
    tree: parseText(tree),
    files: parseList(files).map((file) => {
      const { path, bytes } = parseObject(file)
      return { path: parseText(path), bytes: parseBytes(bytes) }
    }),
  }
}

function parseRebuild(params: unknown): RebuildRequest {
  const { application, cluster, fleetRevision, revision, facts } = parseObject(params)
  const name = parseText(cluster)
  return {
    application: parseText(application),
    cluster: name,
    facts: parseFacts(facts).get(name),
    fleetRevision: parseText(fleetRevision),
    revision: parseText(revision),
  }
}

function parseAuthorsRequest(params: unknown): AuthorsRequest {
  const { application, fleetRevision, revision, since } = parseObject(params)
  return {
    application: parseText(application),
    fleetRevision: parseText(fleetRevision),
    revision: parseText(revision),
    since: parseList(since).map((one) => {
      const before = parseObject(one)
      const of = before['fleetRevision']
      return {
        revision: parseText(before['revision']),
        fleetRevision: of === undefined ? undefined : parseText(of),
      }
    }),
  }
}

function parseCommit(answer: unknown): { author: string; subject: string } {
  const { author, subject } = parseObject(answer)
  return { author: parseText(author), subject: parseText(subject) }
}

function parseSource(value: unknown): SourceView {
  const { name, url, ref, revision, signer, failure, ...rest } = parseObject(value)
  const { lastFetchedAt, nextFetchAt, interval, suspended } = rest
  return {
    name: parseText(name),
    url: parseText(url),
    ref: parseText(ref),
    revision: revision === null ? null : parseText(revision),
    lastFetchedAt: parseNumberOrNull(lastFetchedAt),
    nextFetchAt: parseNumberOrNull(nextFetchAt),
    interval: parseNumberOrNull(interval),
    suspended: suspended === true,
    signer: signer === null ? null : parseText(signer),
    failure: failure === null ? null : parseFailure(failure),
  }
}

function parseFailure(value: unknown): SourceFailure {
  const { code, message, since, count } = parseObject(value)
  const known = hubErrorCodes.find((name) => name === code)
  if (!known) throw new TypeError('not an error code')
  const text = parseText(message)
  return { code: known, message: text, since: parseNumber(since), count: parseNumber(count) }
}

function parseNumberOrNull(value: unknown): number | null {
  return value === null ? null : parseNumber(value)
}

/** What is not even a question is said so, not taken for a fault of ours. */
function judged(method: Methods[string]): Methods[string] {
  return (params, signal) =>
    method(params, signal).catch((error: unknown) =>
      Promise.reject(
        error instanceof TypeError
          ? wrong('invalid', `the question: ${error.message}`, error)
          : error,
      ),
    )
}

function wrong(code: HubErrorCode, message: string, cause: unknown): HubError {
  return new HubError(code, message, { cause })
}
