import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HubError } from '../../errors.ts'
import { runProgram } from '../../fork-server/process.ts'
import { RunFailure, type RunOptions, type RunProgram } from '../../fork-server/run.ts'
import type { Branch } from '../branch.ts'
import { type RemoteAccess, createConverse } from './remote/git.ts'

/** Branch the ledger is committed to, here and at the remote. */
export const ledgerBranch = 'groundswell-ledger'
export const ledgerFile = 'ledger.jsonl'

export interface RepositoryOptions {
  /** Who the commits are by. */
  readonly author: { readonly name: string; readonly email: string }
  /** An SSH private key that commits are signed by; none are when left out. */
  readonly signingKey?: string
  /** Runs Git; a child of this process when left out. */
  readonly run?: RunProgram
}

/** The Git repository around a ledger's file. */
export interface Repository extends Branch {
  /**
   * Makes it where there is none. One that Git cannot read, as after a power cut, is set aside for a new one
   * as long as there is a file to begin that from.
   *
   * @returns where the damaged one was moved to
   * @throws HubError `ledger_unwritable`
   */
  init(hasFile: boolean): Promise<string | undefined>
  /** Whether our own branch has any commit: it gets one within seconds of the first entry. */
  hasCommit(): Promise<boolean>
  /** Lines of our own branch's file after so many bytes; none where it has no more, or cannot be read. */
  readBeyond(size: number): AsyncIterable<string>
  /** Brings a lost file back from our own branch; false where that has none. */
  restore(): Promise<boolean>
  /** Commits the file as it is, which may be cut in its last line; false when the branch has it. */
  commit(message: string): Promise<boolean>
}

/** The remote's branch as it was fetched last. */
const remoteRef = 'refs/seen/ledger'
const ref = `refs/heads/${ledgerBranch}`
const localMs = 30_000
const printedBytes = 1024 * 1024
/** Commits between two looks at whether there is something to pack. */
const packEvery = 50

export function createRepository(
  directory: string,
  { author, signingKey, run: runGit = runProgram }: RepositoryOptions,
  remote?: RemoteAccess,
): Repository {
  const path = join(directory, ledgerFile)
  const environment = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    SSH_AUTH_SOCK: process.env['SSH_AUTH_SOCK'],
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: '',
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  }
  const signing =
    signingKey === undefined ? [] : ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${signingKey}`]
  const hardened = ['-c', 'core.hooksPath=/dev/null', '-c', 'gc.autoDetach=false', ...signing]
  // Damaged, it is not looked for further up.
  const place = ['-C', directory, '--git-dir=.git']
  const argumentsOf = (args: readonly string[]) => [...hardened, ...place, ...args]
  let untilPacked = packEvery

  /**
   * @throws RunFailure `failed` with what Git answered, HubError `ledger_unwritable` where it gave no answer
   */
  async function run(args: readonly string[], input?: RunOptions['input']): Promise<string> {
    try {
      const { stdout } = await runGit('git', argumentsOf(args), {
        cwd: directory,
        env: environment,
        signal: AbortSignal.timeout(localMs),
        maxBytes: printedBytes,
        ...(input !== undefined && { input }),
      })
      return stdout.trim()
    } catch (cause) {
      if (cause instanceof RunFailure && cause.code === 'failed') throw cause
      const words = `Git gave no answer in ${directory}: ${(cause as Error).message}`
      throw new HubError('ledger_unwritable', words, { cause })
    }
  }
  const git = (...args: readonly string[]) => run(args)

  /** Undefined where Git says no; no answer is not taken for that. */
  async function find(...args: readonly string[]): Promise<string | undefined> {
    return git(...args).catch((error: unknown) => {
      if (error instanceof RunFailure) return undefined
      throw error
    })
  }
  const succeeds = async (...args: readonly string[]) => (await find(...args)) !== undefined

  const hasCommit = () => succeeds('rev-parse', '--quiet', '--verify', ref)

  const own = join(directory, '.git')
  const aside = join(directory, 'damaged.git')

  /** Left by a Git that was killed; nobody else uses this repository. */
  async function unlock(): Promise<void> {
    for (const name of ['index', 'HEAD', 'config', 'packed-refs', 'shallow', ref, remoteRef]) {
      await rm(join(own, `${name}.lock`), { force: true })
    }
  }

  async function isDamaged(): Promise<boolean> {
    if (await succeeds('cat-file', '-e', `${ref}:${ledgerFile}`)) return false
    if (!(await succeeds('rev-parse', '--git-dir'))) return true
    // A new one has no branch yet.
    return (await hasCommit()) || (await exists(join(own, ref)))
  }

  async function* readLines(commit: string, after: number): AsyncIterable<string> {
    const reading = spawn('git', argumentsOf(['cat-file', 'blob', `${commit}:${ledgerFile}`]), {
      env: environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const ended = new Promise<number | null>((resolve) => reading.once('close', resolve))
    try {
      yield* splitLines(reading.stdout, after)
      if ((await ended) !== 0) {
        throw new HubError('ledger_unwritable', `commit ${commit} of the ledger cannot be read`)
      }
    } finally {
      reading.kill()
    }
  }

  const { url = '' } = remote ?? {}
  const converse = remote && createConverse(directory, remote, runGit)

  async function ask(args: readonly string[], ms: number): Promise<string> {
    try {
      return await converse!(args, ms)
    } catch (cause) {
      const words = `the ledger's remote ${url} cannot be read: ${(cause as Error).message}`
      throw new HubError('source_unreachable', words, { cause })
    }
  }

  return {
    async init(hasFile) {
      try {
        if (!(await exists(own))) {
          await git('init', '--quiet', `--initial-branch=${ledgerBranch}`)
          return undefined
        }
        await unlock()
        if (!(await isDamaged())) return undefined
        if (!hasFile) throw nothingToReadFrom(directory)
        await rm(aside, { recursive: true, force: true })
        await rename(own, aside)
        await git('init', '--quiet', `--initial-branch=${ledgerBranch}`)
        return aside
      } catch (cause) {
        if (cause instanceof HubError) throw cause
        throw new HubError('ledger_unwritable', `no Git repository can be made in ${directory}`, {
          cause,
        })
      }
    },
    hasCommit,
    async *readBeyond(size) {
      const has = await find('cat-file', '-s', `${ref}:${ledgerFile}`)
      if (Number(has ?? 0) > size) yield* readLines(ref, size)
    },
    async restore() {
      try {
        if (!(await hasCommit())) return false
        await git('checkout', '--quiet', '--force', ledgerBranch, '--', ledgerFile)
      } catch (cause) {
        throw new HubError('ledger_unwritable', 'whether there is a ledger in Git is not known', {
          cause,
        })
      }
      return true
    },
    async commit(message) {
      const signs = signingKey === undefined ? '--no-gpg-sign' : '--gpg-sign'
      const commit = ['commit', '--quiet', signs, '--message', message, '--', ledgerFile]
      // One process as a rule: starting one holds the hub up. Otherwise it is new, or unchanged.
      if (await succeeds(...commit)) return true
      await git('add', '--', ledgerFile)
      if (await succeeds('diff', '--cached', '--quiet')) return false
      await git(...commit)
      return true
    },
    async look(deadlineMs) {
      const found = await ask(['ls-remote', '--', url, ref], deadlineMs)
      return found.split('\t')[0] || null
    },
    isOurs: (commit) => succeeds('merge-base', '--is-ancestor', commit, ref),
    async fetch(deadlineMs) {
      // Who has none of its history needs no more than its newest commit.
      const depth = (await hasCommit()) ? [] : ['--depth=1']
      const what = ['--', url, `+${ref}:${remoteRef}`]
      await ask(['fetch', '--quiet', '--no-tags', ...depth, ...what], deadlineMs)
      return git('rev-parse', remoteRef)
    },
    readMessage: (commit) => git('log', '-1', '--format=%B', commit),
    readLines,
    async isBeginning(commit) {
      if ((await git('ls-tree', '--name-only', commit, '--', ledgerFile)) === '') return false
      const blob = await git('rev-parse', `${commit}:${ledgerFile}`)
      const size = Number(await git('cat-file', '-s', blob))
      return blob === (await blobOfBeginning(path, size))
    },
    async goOnFrom(commit) {
      await git('update-ref', ref, commit)
    },
    async record(size, message) {
      // Just so many bytes: the file grows meanwhile.
      const blob = await run(['hash-object', '-w', '--stdin'], { path, bytes: size })
      const tree = await run(['mktree'], `100644 blob ${blob}\t${ledgerFile}\n`)
      const parent = await find('rev-parse', '--quiet', '--verify', ref)
      const sign = signingKey === undefined ? [] : ['-S']
      const onto = parent === undefined ? [] : ['-p', parent]
      const commit = await git('commit-tree', ...sign, ...onto, '-m', message, tree)
      await git('update-ref', ref, commit)
      untilPacked -= 1
      if (untilPacked === 0) {
        untilPacked = packEvery
        await git('gc', '--auto', '--quiet')
      }
      return commit
    },
    async push(commit, seen, deadlineMs) {
      const lease = `--force-with-lease=${ref}:${seen ?? ''}`
      try {
        await converse!(['push', '--quiet', lease, '--', url, `${commit}:${ref}`], deadlineMs)
      } catch (cause) {
        const code = cause instanceof HubError ? cause.code : 'internal'
        const words = `the ledger's remote ${url} cannot be pushed to: ${(cause as Error).message}`
        throw new HubError(code, words, { cause })
      }
    },
  }
}

function nothingToReadFrom(directory: string): HubError {
  return new HubError(
    'ledger_unwritable',
    `the ledger's file in ${directory} is empty or gone, and the Git repository beside it cannot be read; nothing was changed. Restore ${ledgerFile} from a backup; or, where --ledger-remote has it, move that directory away, and it is fetched from there`,
  )
}

/** Lines that a line feed ends, after so many bytes. */
async function* splitLines(bytes: AsyncIterable<Buffer>, after: number): AsyncIterable<string> {
  let left = after
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of bytes) {
    const wanted = chunk.subarray(Math.min(left, chunk.length))
    left -= chunk.length - wanted.length
    rest = rest.length === 0 ? wanted : Buffer.concat([rest, wanted])
    let start = 0
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10, start)) {
      yield rest.toString('utf8', start, end)
      start = end + 1
    }
    rest = rest.subarray(start)
  }
}

/** Git's name of the first so many bytes of a file, as if they were all of it. */
async function blobOfBeginning(path: string, size: number): Promise<string | undefined> {
  const file = await open(path)
  try {
    if ((await file.stat()).size < size) return undefined
    const hash = createHash('sha1').update(`blob ${size}\0`)
    if (size > 0)
      for await (const part of file.createReadStream({ end: size - 1 })) hash.update(part as Buffer)
    return hash.digest('hex')
  } finally {
    await file.close()
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
