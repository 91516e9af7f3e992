import { execFile } from 'node:child_process'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)

/** A bare repository and a way to change it as a developer would: by pushing. */
export interface TestRepository {
  readonly name: string
  /** Path of the bare repository. */
  readonly path: string
  /**
   * Writes (text), or deletes (null), files on a branch and pushes; gives the commit's id.
   * The branch is made from the first one when it is new.
   */
  commit(
    files: Readonly<Record<string, string | null>>,
    message?: string,
    branch?: string,
  ): Promise<string>
  /** Adds a directory's content to the branch and pushes; gives the commit's id. */
  commitDirectory(directory: string, message?: string): Promise<string>
  /** Id of the commit a ref points at. */
  readHead(ref?: string): Promise<string>
  /** Runs git in the developer's clone. */
  git(...args: readonly string[]): Promise<string>
}

/** Runs git as nobody's configuration would have it: same result on every machine. */
export async function runGit(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input = '',
): Promise<string> {
  const running = exec('git', args, {
    cwd,
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: process.env['PATH'], ...testGitEnv, ...env },
  })
  running.child.stdin?.on('error', () => undefined).end(input)
  const { stdout } = await running
  return stdout.trimEnd()
}

/** Keeps global configuration out, and gives commits an author. */
export const testGitEnv = {
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@groundswell.invalid',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@groundswell.invalid',
} as const

/** Makes a bare repository under `root` with one commit: the directory's content, or nothing. */
export async function createRepository(
  root: string,
  name: string,
  { from, branch = 'main' }: { readonly from?: string; readonly branch?: string } = {},
): Promise<TestRepository> {
  const path = join(root, `${name}.git`)
  const clone = join(root, `${name}.clone`)
  await mkdir(path, { recursive: true })
  await runGit(path, ['init', '--quiet', '--bare', `--initial-branch=${branch}`])
  await runGit(path, ['config', 'http.receivepack', 'true'])
  await mkdir(clone, { recursive: true })
  await runGit(clone, ['init', '--quiet', `--initial-branch=${branch}`])
  await runGit(clone, ['remote', 'add', 'origin', path])
  const git = (...args: readonly string[]) => runGit(clone, args)

  async function push(message: string, onBranch: string): Promise<string> {
    await git('add', '--all', '--force')
    await git('commit', '--quiet', '--allow-empty', '--message', message)
    await git('push', '--quiet', 'origin', `HEAD:refs/heads/${onBranch}`)
    return git('rev-parse', 'HEAD')
  }

  /** Others may have pushed, the hub's ledger among them. */
  async function checkOut(onBranch: string): Promise<void> {
    await git('fetch', '--quiet', 'origin')
    const known = await git('branch', '--remotes', '--list', `origin/${onBranch}`)
    await git('checkout', '--quiet', '-B', onBranch, `origin/${known === '' ? branch : onBranch}`)
  }

  const repository: TestRepository = {
    name,
    path,
    git,
    async commit(files, message = 'Change', onBranch = branch) {
      await checkOut(onBranch)
      for (const [file, content] of Object.entries(files)) {
        const place = join(clone, file)
        if (content === null) {
          await rm(place, { recursive: true, force: true })
          continue
        }
        await mkdir(dirname(place), { recursive: true })
        await writeFile(place, content)
      }
      return push(message, onBranch)
    },
    async commitDirectory(directory, message = 'Import') {
      await checkOut(branch)
      await cp(directory, clone, { recursive: true })
      return push(message, branch)
    },
    readHead: (ref = branch) => runGit(path, ['rev-parse', `${ref}^{commit}`]),
  }
  if (from !== undefined) await cp(from, clone, { recursive: true })
  await push('Start', branch)
  return repository
}
