import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, stat, utimes } from 'node:fs/promises'
import { dirname, join, posix, resolve } from 'node:path'
import { promisify } from 'node:util'
import { formatRevision } from '@groundswell/proto/revision.ts'
import { HubError } from '../errors.ts'
import { buildGitEnvironment, localAccess } from '../source/git-environment.ts'
import { createObjectReader } from '../source/process.ts'
import { largeFile, refused, treeLimits } from '../source/tree-entries.ts'
import { createTreeReader } from '../source/tree-reader.ts'
import type { LocalRepository, Snapshot } from './local-repository.ts'

const commandTimeout = 120_000
const outputBytes = 1024 * 1024

/**
 * What the index knows of unchanged files saves reading them again. Without its time Git would believe it of
 * files that were written anew in the second in which it was made.
 */
async function copyIndex(from: string, to: string): Promise<void> {
  const found = await stat(from).catch(() => undefined)
  // A clone without files has none.
  if (!found) return
  await copyFile(from, to)
  await utimes(to, found.atime, found.mtime)
}

/**
 * Opens the checkout that holds a directory. What Git has to write, such as the tree of
 * uncommitted files, goes into a temporary directory, so that the checkout stays as it is.
 *
 * @param temporary where that directory is made
 * @throws HubError `source_refused` when no directory above has a `.git`
 */
export async function openLocalRepository(
  directory: string,
  temporary: string,
  signal: AbortSignal,
): Promise<LocalRepository> {
  const top = await findTop(directory)
  const gitDirectory = join(top, '.git')
  const base = buildGitEnvironment(gitDirectory, process.env['PATH'] ?? '', localAccess, [])
  const [objectsPath, indexPath] = (
    await run(['rev-parse', '--git-path', 'objects', '--git-path', 'index'], base)
  ).split('\n')
  const scratch = await mkdtemp(join(temporary, 'swell-'))
  await mkdir(join(scratch, 'objects'))
  const environment = {
    ...base,
    GIT_WORK_TREE: top,
    GIT_INDEX_FILE: join(scratch, 'index'),
    GIT_OBJECT_DIRECTORY: join(scratch, 'objects'),
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoteAlternate(resolve(top, objectsPath!)),
  }
  const objects = createObjectReader(top, environment)
  const trees = createTreeReader({
    name: top,
    objects,
    fetchMissing: async () => {
      throw lack()
    },
  })

  function lack(cause?: unknown): HubError {
    const words = `${top} lacks objects of this commit, and nothing is fetched here: clone it whole, or have Git fetch them`
    return new HubError('source_refused', words, { cause })
  }

  function isPartial(): Promise<boolean> {
    const promisor = String.raw`^remote\..*\.promisor$`
    return run(['config', '--local', '--get-regexp', promisor], base).then(
      () => true,
      () => false,
    )
  }

  /** Git gives up where it would have to fetch, and does not say so. */
  async function readWhole<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'internal') throw error
      throw (await isPartial()) ? lack(error) : error
    }
  }

  async function run(args: readonly string[], env: Record<string, string>): Promise<string> {
    try {
      const { stdout } = await promisify(execFile)('git', [...args], {
        cwd: top,
        env,
        signal,
        maxBuffer: outputBytes,
        timeout: commandTimeout,
      })
      return stdout.trim()
    } catch (cause) {
      signal.throwIfAborted()
      const { stderr } = cause as { stderr?: string }
      const words = (stderr ?? '').trim().split('\n').at(-1) || (cause as Error).message
      throw new HubError('internal', `${top}: git ${args[0]}: ${words.slice(0, 500)}`, { cause })
    }
  }

  async function findCommit(name: string): Promise<string> {
    if (/[\p{Cc}]/u.test(name)) throw new HubError('revision_not_found', 'not the name of a commit')
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]
    try {
      return await run(args, environment)
    } catch (cause) {
      signal.throwIfAborted()
      throw new HubError(
        'revision_not_found',
        `${top}: there is no commit ${name}; a shallow clone has only the newest (fetch-depth: 0)`,
        { cause },
      )
    }
  }

  let workingTree: Promise<string> | undefined
  let large: Promise<ReadonlySet<string>> | undefined
  async function writeWorkingTree(): Promise<string> {
    await copyIndex(resolve(top, indexPath!), environment.GIT_INDEX_FILE)
    await run(['add', '--all', '--', ':/'], environment)
    return run(['write-tree'], environment)
  }

  /** Files that Git LFS keeps elsewhere: what lies here is not what is committed. */
  async function listLarge(): Promise<ReadonlySet<string>> {
    const attributes = await run(['ls-files', '--', ':(top,glob)**/.gitattributes'], environment)
    if (attributes === '') return new Set()
    const found = await run(['ls-files', '-z', '--', ':(top,attr:filter=lfs)'], environment)
    return new Set(found.split('\0'))
  }

  function open(ref: string, commit: string, large: ReadonlySet<string> = new Set()): Snapshot {
    return {
      revision: formatRevision({ ref, commit }),
      commit,
      mirror: {
        async readTree(_commit, path) {
          try {
            const tree = await readWhole(trees.readTree(commit, path))
            const faults = tree.files
              .map((file) => posix.join(path, file.path))
              .filter((file) => large.has(file))
              .map((file) => ({ file, message: largeFile }))
            if (faults.length > 0) throw refused(faults)
            return tree
          } catch (error) {
            if (!(error instanceof HubError) || error.code !== 'revision_not_found') throw error
            const words = `${top}: there is no directory ${path} (${ref}); paths begin at the root of the repository`
            throw new HubError('revision_not_found', words, { cause: error })
          }
        },
        readBlobs: (oids) => readWhole(trees.readBlobs(oids, treeLimits.bytes)),
      },
    }
  }

  return {
    async at(name) {
      if (name !== undefined) return open(name, await findCommit(name))
      const tree = await (workingTree ??= writeWorkingTree())
      return open('working-tree', tree, await (large ??= listLarge()))
    },
    async mergeBase(one, other) {
      const ids = [await findCommit(one), await findCommit(other)]
      try {
        return await run(['merge-base', ...ids], environment)
      } catch (cause) {
        signal.throwIfAborted()
        const words = `${top}: ${one} and ${other} have no commit in common`
        throw new HubError('revision_not_found', words, { cause })
      }
    },
    async close() {
      objects.close()
      await rm(scratch, { recursive: true, force: true })
    },
  }
}

async function findTop(directory: string): Promise<string> {
  for (let at = resolve(directory); ; at = dirname(at)) {
    // A worktree has a file there, which Git follows by itself.
    if (await stat(join(at, '.git')).catch(() => undefined)) return at
    if (dirname(at) === at) {
      throw new HubError('source_refused', `${resolve(directory)} is in no Git checkout`)
    }
  }
}

/** Git splits the list of alternates at colons. */
function quoteAlternate(path: string): string {
  return /[:"\\]/.test(path) ? JSON.stringify(path) : path
}
