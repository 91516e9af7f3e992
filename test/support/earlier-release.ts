import { execFile } from 'node:child_process'
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/**
 * What ran before. There are no releases yet, so it is a commit: change it with each release, to the one
 * before. Hub and agents of both have to understand each other, and what the other wrote.
 */
export const earlierCommit = 'ad3f3172349bb5a4ade3c6f5884bd70b0e3774db'

/**
 * Programs of an earlier state of this repository, with today's packages, and those that only it needs:
 * `simple-git`, which goes from `devDependencies` with the next one.
 */
export interface EarlierRelease {
  readonly hub: string
  readonly agent: string
}

/** Lays it out in a directory; undefined where the history is not there, as in a shallow clone. */
export async function checkOutEarlier(directory: string): Promise<EarlierRelease | undefined> {
  try {
    await run('git', ['cat-file', '-e', `${earlierCommit}^{commit}`], { cwd: root })
  } catch {
    return undefined
  }
  await mkdir(directory)
  const archive = join(directory, 'sources.tar')
  const parts = ['hub', 'agent', 'proto', 'package.json']
  await run('git', ['archive', '--output', archive, earlierCommit, ...parts], { cwd: root })
  await run('tar', ['-xf', archive, '-C', directory])
  const modules = join(directory, 'node_modules')
  await mkdir(join(modules, '@groundswell'), { recursive: true })
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name === '@groundswell' || name.startsWith('.')) continue
    await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  for (const name of ['hub', 'agent', 'proto']) {
    await symlink(join(directory, name), join(modules, '@groundswell', name))
  }
  return { hub: join(directory, 'hub/main.ts'), agent: join(directory, 'agent/main.ts') }
}
