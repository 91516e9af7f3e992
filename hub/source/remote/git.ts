import { execFile } from 'node:child_process'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { HubError } from '../../errors.ts'
import { RunFailure, type RunProgram } from '../../fork-server/run.ts'
import type { Stopwatch } from '../../stopwatch.ts'
import type { Address } from '../address.ts'
import type { Credential } from '../credential.ts'
import { resolvePublic } from '../dns.ts'
import { type ReadSecret, readAccess, removeOldAccess } from '../fs.ts'
import {
  buildGitEnvironment,
  type GitAccess,
  localAccess,
  pinAddresses,
  remoteConfig,
} from '../git-environment.ts'
import { explainGitFailure } from '../git-fault.ts'
import { type HostRules, judgeHost } from '../host-rules.ts'

/** What is asked of a Git server. */
export type GitRequest = 'fetch' | 'list_tags'

/** What of a repository is asked of its server, and how much it may answer. */
export interface RemoteOptions {
  /** Of the repository, for messages. */
  readonly name: string
  readonly address: Address
  /** The bare repository. */
  readonly directory: string
  /** Milliseconds for one conversation. */
  readonly timeout: number
  /** Bytes that one fetch may bring. */
  readonly fetchBytes: number
  /** Looked up for each conversation, so that a new one is used at once. */
  readonly credential: () => Credential | undefined
  readonly readSecret: ReadSecret
  readonly hosts: HostRules
  readonly time: Stopwatch<GitRequest>
  /** Runs Git. */
  readonly run: RunProgram
}

/** The server a repository is fetched from, and Git's own commands on its mirror. */
export interface Remote {
  /** Environment for commands that stay in the mirror. */
  readonly environment: Readonly<Record<string, string>>
  /** Runs Git in the mirror, without the network. */
  run(args: readonly string[], options?: RunOptions): Promise<string>
  /** Brings what the refspecs, or the lines of `input`, name. */
  fetch(refspecs: readonly string[], options: RunOptions): Promise<void>
  /** Names of the server's tags, without `refs/tags/`, and their object ids. */
  listTags(signal: AbortSignal): Promise<ReadonlyMap<string, string>>
}

interface RunOptions {
  readonly signal?: AbortSignal
  readonly input?: string
  /** What was asked for, before what went wrong. */
  readonly words?: string
}

const localTimeout = 30_000
/** That one Git prints, its server's chatter included. */
const printedBytes = 8 * 1024 * 1024
const mostTags = 20_000
const growthEveryMs = 200

/** Left as they are by a Git that was killed. */
const leftovers = /^(tmp_|\.tmp-|.*\.lock$)/

export async function createRemote(options: RemoteOptions): Promise<Remote> {
  const { name, address, directory, timeout } = options
  const path = process.env['PATH'] ?? '/usr/bin:/bin'
  const environmentOf = (access: GitAccess, network: boolean) =>
    buildGitEnvironment(directory, path, access, network ? [address.protocol] : [])
  const environment = environmentOf(localAccess, false)

  function fail(code: HubError['code'], message: string, cause?: unknown): HubError {
    return new HubError(code, `repository ${name}: ${message}`, { cause })
  }

  /** Of what was asked on the way, which does not know for whom. */
  function nameRepository(error: HubError): HubError {
    if (error.message.startsWith('repository ')) return error
    return fail(error.code, error.message, error)
  }

  /** A failure of Git in words for people; a reason of ours to stop it is its own explanation. */
  function explain(cause: unknown, signal: AbortSignal, limit: number, words = ''): HubError {
    if (signal.aborted) {
      const { reason } = signal as { reason: unknown }
      if (reason instanceof HubError) return reason
      const isLate = reason instanceof DOMException && reason.name === 'TimeoutError'
      return fail('source_unreachable', isLate ? `no answer within ${limit} ms` : 'stopped', cause)
    }
    const fault = explainGitFailure(cause)
    return fail(fault.code, words ? `${words}: ${fault.message}` : fault.message, cause)
  }

  async function runGit(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    signal: AbortSignal,
    input?: string,
  ): Promise<string> {
    const given = { cwd: directory, env, signal, maxBytes: printedBytes }
    const { stdout } = await options.run('git', args, {
      ...given,
      ...(input !== undefined && { input }),
    })
    return stdout
  }

  /** One conversation with the server: its host judged, its credential read, both for this time. */
  async function converse<T>(
    operation: GitRequest,
    { signal, words }: RunOptions,
    work: (env: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const all = AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(timeout)])
    let access: GitAccess | undefined
    const stop = options.time(operation)
    try {
      all.throwIfAborted()
      const pinned = await judge()
      const { credential, readSecret } = { ...options, credential: options.credential() }
      access = await readAccess({ name, address, credential, readSecret, directory, signal: all })
      const config = [...remoteConfig(address.url), ...pinned, ...access.config]
      const result = await work(environmentOf({ ...access, config }, true), all)
      stop('done')
      return result
    } catch (cause) {
      stop('failed')
      if (cause instanceof HubError) throw nameRepository(cause)
      throw explain(cause, all, timeout, words)
    } finally {
      await access?.dispose()
    }
  }

  async function judge(): Promise<[string, string][]> {
    if (address.protocol === 'file') return []
    switch (judgeHost(address.host, options.hosts)) {
      case 'trusted':
        return []
      case 'refused':
        throw fail('source_refused', `the host ${address.host} is not in --source-hosts`)
      case 'public':
        // ssh cannot be told the address, but it knows the host by its key.
        return pinAddresses(address, await resolvePublic(address.host))
    }
  }

  /** Stops a fetch that brings more than it may. Git itself has no such limit. */
  function watchGrowth(stop: AbortController): () => void {
    const packs = join(directory, 'objects', 'pack')
    const { fetchBytes } = options
    const look = async () => {
      if ((await weigh(packs)) <= fetchBytes) return
      stop.abort(fail('source_refused', `one fetch brings more than ${fetchBytes} bytes`))
    }
    const timer = setInterval(() => void look(), growthEveryMs)
    return () => clearInterval(timer)
  }

  /** What a Git that was killed left behind, which would stay for ever or bar the next one. */
  async function tidy(): Promise<void> {
    for (const place of ['.', 'objects/pack']) {
      const entries = await readdir(join(directory, place)).catch(() => [])
      for (const entry of entries) {
        if (leftovers.test(entry)) await rm(join(directory, place, entry), { force: true })
      }
    }
  }

  await tidy()
  await removeOldAccess(directory)

  return {
    environment,
    async run(args, { input } = {}) {
      const signal = AbortSignal.timeout(localTimeout)
      try {
        return await runGit(args, environment, signal, input)
      } catch (cause) {
        throw explain(cause, signal, localTimeout)
      }
    },
    async fetch(refspecs, { input, ...given }) {
      const stop = new AbortController()
      const signal = AbortSignal.any([stop.signal, ...(given.signal ? [given.signal] : [])])
      const common = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head']
      await converse('fetch', { ...given, signal }, async (env, all) => {
        const rest = watchGrowth(stop)
        try {
          await runGit(['fetch', ...common, '--filter=blob:none', ...refspecs], env, all, input)
        } catch (cause) {
          await tidy()
          throw cause
        } finally {
          rest()
        }
      })
    },
    listTags: (signal) =>
      converse('list_tags', { signal, words: 'tags' }, async (env, all) => {
        const args = ['ls-remote', '--refs', '--tags', '--end-of-options', 'origin']
        const stdout = await runGit(args, env, all).catch((cause: unknown) => {
          throw cause instanceof RunFailure && cause.code === 'too_much' ? tooMany() : cause
        })
        const lines = stdout.split('\n').filter(Boolean)
        if (lines.length > mostTags) throw tooMany()
        return new Map(
          lines.map((line) => {
            const [oid = '', ref = ''] = line.split('\t')
            return [ref.replace(/^refs\/tags\//, ''), oid]
          }),
        )
      }),
  }

  function tooMany(): HubError {
    return fail('source_refused', `more than ${mostTags} tags; follow a branch or one tag instead`)
  }
}

/** What the Git on PATH says of itself; empty where there is none. */
export async function readGitVersion(): Promise<string> {
  const asked = promisify(execFile)('git', ['--version'], { timeout: localTimeout })
  return asked.then(
    ({ stdout }) => stdout,
    () => '',
  )
}

async function weigh(directory: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(directory).catch(() => [])) {
    if (!leftovers.test(entry)) continue
    bytes += (await stat(join(directory, entry)).catch(() => ({ size: 0 }))).size
  }
  return bytes
}
