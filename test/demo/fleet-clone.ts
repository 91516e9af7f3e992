import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { runGit } from '../support/git-repository.ts'
import { expectThat } from './expectation.ts'
import type { Files } from './example.ts'

/** A clone of the fleet repository that people, and the steps, commit in and push from. */
export interface FleetClone {
  readonly path: string
  /** Writes files, commits and pushes; gives the commit's id. */
  commit(files: Files, message: string): Promise<string>
  /** Changes a piece of text that is in the file exactly once. */
  replace(
    file: string,
    change: { readonly from: string; readonly to: string },
    message: string,
  ): Promise<string>
  /** `git revert` of the newest commit. */
  revert(): Promise<string>
}

/** Clones over HTTP, so that a push from here is seen by the Git server as anybody's would be. */
export async function cloneFleet(url: string, path: string): Promise<FleetClone> {
  await runGit(dirname(path), ['clone', '--quiet', url, path])
  const git = (...args: readonly string[]) => runGit(path, args)
  await git('config', 'user.name', 'Groundswell demo')
  await git('config', 'user.email', 'demo@groundswell.invalid')

  async function push(): Promise<string> {
    await git('push', '--quiet', 'origin', 'HEAD:main')
    return git('rev-parse', 'HEAD')
  }

  async function commit(files: Files, message: string): Promise<string> {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(dirname(join(path, file)), { recursive: true })
      await writeFile(join(path, file), text)
    }
    await git('add', '--all')
    await git('commit', '--quiet', '--message', message)
    return push()
  }

  return {
    path,
    commit,
    async replace(file, { from, to }, message) {
      const text = await readFile(join(path, file), 'utf8')
      expectThat(text.split(from).length === 2, `${from} once in ${file}`, text)
      return commit({ [file]: text.replace(from, to) }, message)
    },
    async revert() {
      await git('revert', '--no-edit', 'HEAD')
      return push()
    },
  }
}
