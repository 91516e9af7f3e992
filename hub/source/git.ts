import { mkdir } from 'node:fs/promises'
import { formatRevision } from '@groundswell/proto/revision.ts'
import { simpleGit } from 'simple-git'
import { HubError } from '../errors.ts'
import { parseAddress } from './address.ts'
import { parseCommit } from './commit.ts'
import type { Credentials } from './credential.ts'
import { readAccess } from './fs.ts'
import {
  buildGitEnvironment,
  type GitAccess,
  localAccess,
  remoteConfig,
} from './git-environment.ts'
import { explainGitFault } from './git-fault.ts'
import { createObjectReader } from './process.ts'
import { qualifyRef } from './ref.ts'
import type { Mirror, SourceSpec, Tree } from './source.ts'
import { treeLimits } from './tree-entries.ts'
import { createTreeReader } from './tree-reader.ts'

export interface MirrorOptions {
  /** The bare repository; made when it is not there. One hub process at a time. */
  readonly directory: string
  readonly credentials: Credentials
  /** For tests: `file://` URLs too. */
  readonly allowFile?: boolean
  readonly log?: (message: string) => void
}

/**
 * Opens, or makes, the mirror of one repository. Nothing is fetched yet.
 *
 * @throws HubError `source_refused` when URL, ref or credential name are not acceptable,
 *   `internal` when the directory cannot be made a repository
 */
export async function createMirror(spec: SourceSpec, options: MirrorOptions): Promise<Mirror> {
  const address = parseAddress(spec.url, { allowFile: options.allowFile ?? false })
  const ref = qualifyRef(spec.ref)
  const { directory, log = () => undefined } = options
  const credential =
    spec.credential === undefined ? undefined : options.credentials[spec.credential]
  if (spec.credential !== undefined && !credential) {
    throw fail('source_refused', `the hub has no credential named ${spec.credential}`)
  }
  const path = process.env['PATH'] ?? '/usr/bin:/bin'
  const environment = (access: GitAccess, network: boolean) =>
    buildGitEnvironment(directory, path, access, network ? [address.protocol] : [])

  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw fail('internal', `cannot make the mirror directory ${directory}`, cause)
  })
  await run(['init', '--quiet', '--bare'], environment(localAccess, false), deadline(30_000))

  const objects = createObjectReader(directory, environment(localAccess, false))
  const trees = createTreeReader({ name: spec.name, objects, fetchMissing })
  let turn: Promise<unknown> = Promise.resolve()

  function fail(code: HubError['code'], message: string, cause?: unknown): HubError {
    return new HubError(code, `repository ${spec.name}: ${message}`, {
      cause,
      faults: cause instanceof HubError ? cause.faults : [],
    })
  }

  /** Runs Git with arguments of ours only; URL, credential and configuration go by environment. */
  async function run(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    signal: AbortSignal,
    input?: string,
  ): Promise<string> {
    try {
      signal.throwIfAborted()
      return await simpleGit({
        baseDir: directory,
        abort: signal,
        allowEnvironment: Object.keys(env),
        unsafe: {
          allowUnsafeAskPass: true,
          allowUnsafeConfigEnvCount: true,
          allowUnsafeConfigPaths: true,
          allowUnsafeCredentialHelper: true,
          allowUnsafeFsMonitor: true,
          allowUnsafeHooksPath: true,
          allowUnsafeProtocolOverride: true,
          allowUnsafeSshCommand: true,
          allowUnsafeTemplateDir: true,
        },
        // Left to itself it fulfils when Git fails without a word.
        errors: (_, { exitCode, stdErr }) =>
          exitCode === 0
            ? undefined
            : new Error(Buffer.concat(stdErr).toString().slice(-16_384) || `git exit ${exitCode}`),
        input: () => input,
      })
        .env({ ...env })
        .raw([...args])
    } catch (cause) {
      if (signal.aborted) {
        throw fail(
          'source_unreachable',
          isTimeout(signal.reason) ? `no answer within ${spec.timeout} ms` : 'stopped',
          cause,
        )
      }
      const fault = explainGitFault(cause instanceof Error ? cause.message : String(cause))
      throw fail(fault.code, `${ref.words}: ${fault.message}`, cause)
    }
  }

  async function fetchObjects(
    args: readonly string[],
    signal: AbortSignal,
    input?: string,
  ): Promise<void> {
    const access = await readAccess(spec.name, credential, address)
    const env = environment(
      { ...access, config: [...remoteConfig(address.url), ...access.config] },
      true,
    )
    const common = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head']
    await run(
      ['fetch', ...common, '--filter=blob:none', ...args],
      env,
      AbortSignal.any([signal, deadline(spec.timeout)]),
      input,
    )
  }

  /** One Git writer at a time: two fetches would fight for the same lock files. */
  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work)
    turn = result.catch(() => undefined)
    return result
  }

  async function fetchMissing(oids: readonly string[]): Promise<void> {
    log(`repository ${spec.name}: ${oids.length} blobs to fetch`)
    await inTurn(() =>
      fetchObjects(['--stdin', 'origin'], deadline(spec.timeout), `${oids.join('\n')}\n`),
    )
  }

  async function fetchRef(signal: AbortSignal): Promise<string> {
    if ('commit' in spec.ref && (await has(spec.ref.commit))) {
      return formatRevision({ ref: ref.label, commit: spec.ref.commit })
    }
    await fetchObjects(['--end-of-options', 'origin', `+${ref.remote}:${ref.local}`], signal)
    const found = await head()
    if (found === null) throw fail('revision_not_found', `${ref.words} is not a commit`)
    return found
  }

  async function head(): Promise<string | null> {
    const local = 'commit' in spec.ref ? spec.ref.commit : ref.local
    // A tag is followed to its commit; a tree or blob under a tag has none.
    const [found] = await objects.inspect([`${local}^{commit}`])
    return found ? formatRevision({ ref: ref.label, commit: found.oid }) : null
  }

  async function has(commit: string): Promise<boolean> {
    requireCommit(commit)
    const [found] = await objects.inspect([commit])
    return found?.type === 'commit'
  }

  function requireCommit(commit: string): void {
    if (!/^[0-9a-f]{40}$/.test(commit)) throw fail('revision_not_found', 'not a commit id')
  }

  return {
    fetch: (signal) => inTurn(() => fetchRef(signal)),
    head,
    has,
    async readTree(commit, at): Promise<Tree> {
      requireCommit(commit)
      return trees.readTree(commit, at)
    },
    readBlobs: (oids) => trees.readBlobs(oids, treeLimits.bytes),
    async describe(commit) {
      requireCommit(commit)
      const [bytes] = await objects.read([commit], 1024 * 1024)
      if (!bytes) throw fail('revision_not_found', `commit ${commit} is not in the mirror`)
      return parseCommit(bytes.toString())
    },
    async close() {
      objects.close()
      await turn
    },
  }
}

function deadline(milliseconds: number): AbortSignal {
  return AbortSignal.timeout(milliseconds)
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError'
}
