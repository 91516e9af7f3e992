import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runGit } from './git-repository.ts'
import type { GiteaAccount, TestGitea } from './gitea.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** A repository of a real Gitea, and a developer's clone of it. */
export interface GiteaProject extends AsyncDisposable {
  /** `owner/name` */
  readonly name: string
  /** Commits files (text), or takes them away (null), on a branch of the clone; gives the commit's id. */
  commit(files: Readonly<Record<string, string | null>>, branch?: string): Promise<string>
  /** Makes a file executable on `main` of the clone; gives the commit's id. */
  makeExecutable(file: string): Promise<string>
  /** Pushes all branches at once: each push costs Gitea seconds of work. */
  push(): Promise<void>
  /** `main` of the clone becomes the server's, where something was merged. */
  pull(): Promise<void>
  /** Files under a directory of a branch as the server has it: mode and path → text. */
  read(branch: string, directory?: string): Promise<Readonly<Record<string, string>>>
  /** Opens a pull request as somebody; gives its number. */
  propose(head: string, as?: GiteaAccount): Promise<number>
  /** Runs git in the clone. */
  git(...args: readonly string[]): Promise<string>
}

/** Makes a repository of `owner`, with one commit of the files on `main`. */
export async function createGiteaProject(
  gitea: TestGitea,
  owner: GiteaAccount,
  name: string,
  files: Readonly<Record<string, string>>,
  { isPrivate = false }: { readonly isPrivate?: boolean } = {},
): Promise<GiteaProject> {
  const directory = await createTempDir('gitea-clone')
  const project = `${owner.name}/${name}`
  const git = (...args: readonly string[]) => runGit(directory.path, args)
  const made = { name, private: isPrivate, default_branch: 'main' }
  await gitea.call('POST', `/admin/users/${owner.name}/repos`, made)
  await git('init', '--quiet', '--initial-branch=main')
  await git('remote', 'add', 'origin', gitea.cloneUrl(project, owner))

  async function checkOut(branch: string): Promise<void> {
    if ((await git('branch', '--list', branch)) !== '') await git('checkout', '--quiet', branch)
    else await git('checkout', '--quiet', '-b', branch, ...((await git('branch')) ? ['main'] : []))
  }
  async function record(message: string): Promise<string> {
    await git('add', '--all')
    await git('commit', '--quiet', '--message', message)
    return git('rev-parse', 'HEAD')
  }

  const self: GiteaProject = {
    name: project,
    git,
    async commit(changed, branch = 'main') {
      await checkOut(branch)
      for (const [file, content] of Object.entries(changed)) {
        const place = join(directory.path, file)
        await mkdir(dirname(place), { recursive: true })
        if (content === null) await rm(place)
        else await writeFile(place, content)
      }
      return record(`Change ${branch}`)
    },
    async makeExecutable(file) {
      await checkOut('main')
      await chmod(join(directory.path, file), 0o755)
      return record(`Let ${file} be run`)
    },
    async push() {
      await git('push', '--quiet', '--all', 'origin')
    },
    async pull() {
      await checkOut('main')
      await git('pull', '--quiet', '--ff-only', 'origin', 'main')
    },
    async read(branch, under = '.') {
      await git('fetch', '--quiet', '--prune', 'origin')
      const found: Record<string, string> = {}
      const listed = await git('ls-tree', '-r', '-z', `origin/${branch}`, under)
      for (const line of listed.split('\0').filter((one) => one !== '')) {
        const [head = '', file = ''] = line.split('\t')
        const [mode, , oid = ''] = head.split(' ')
        found[`${mode} ${file}`] = await git('cat-file', 'blob', oid)
      }
      return found
    },
    async propose(head, as = owner) {
      const pull = { head, base: 'main', title: head, body: '' }
      const path = `/repos/${project}/pulls`
      // It learns of a branch some time after it was pushed.
      const opened = () => gitea.call<{ number: number }>('POST', path, pull, as)
      return (await until(opened, { deadlineMs: 20_000, what: `${head} to be proposed` })).number
    },
    [Symbol.asyncDispose]: () => directory.remove(),
  }
  await self.commit(files)
  await self.push()
  return self
}
