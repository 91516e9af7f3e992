import { spawn } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { FleetFiles } from './fleet-files.ts'
import { runGit } from './git-repository.ts'
import { findEngineBinary } from './render-engine.ts'

const swell = fileURLToPath(new URL('../../hub/cli/main.ts', import.meta.url))

/** A developer's checkout of a fleet repository, and `swell` run in it without a hub. */
export interface FleetCheckout {
  readonly directory: string
  /** Writes (text), or deletes (null), files without committing them. */
  write(files: Readonly<Record<string, string | null>>): Promise<void>
  /** Commits all that lies there; gives the commit's id. */
  commit(message?: string): Promise<string>
  git(...args: readonly string[]): Promise<string>
  swell(
    words: readonly string[],
    env?: Readonly<Record<string, string>>,
    /** Another checkout than this one. */
    cwd?: string,
  ): Promise<{ out: string; said: string; code: number | null }>
}

/** @param root where the checkout and the cache of renders are kept */
export async function createFleetCheckout(
  root: string,
  files: FleetFiles,
  name = 'checkout',
): Promise<FleetCheckout> {
  const directory = join(root, name)
  const engine = await findEngineBinary()
  const git = (...args: readonly string[]) => runGit(directory, args)

  async function write(changed: Readonly<Record<string, string | null>>): Promise<void> {
    for (const [file, content] of Object.entries(changed)) {
      const place = join(directory, file)
      if (content === null) await rm(place, { recursive: true, force: true })
      else {
        await mkdir(dirname(place), { recursive: true })
        await writeFile(place, content)
      }
    }
  }

  async function commit(message = 'Change'): Promise<string> {
    await git('add', '--all')
    await git('commit', '--quiet', '--allow-empty', '--message', message)
    return git('rev-parse', 'HEAD')
  }

  await mkdir(directory, { recursive: true })
  await git('init', '--quiet', '--initial-branch=main')
  await write(files)
  await commit('Start')
  return {
    directory,
    write,
    commit,
    git,
    async swell(words, env = {}, cwd = directory) {
      const child = spawn(process.execPath, [swell, ...words], {
        cwd,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 60_000,
        env: {
          ...{ PATH: process.env['PATH'], HOME: root, GROUNDSWELL_CACHE: join(root, 'cache') },
          ...{ GROUNDSWELL_ENGINE: engine },
          ...env,
        },
      })
      const exited = new Promise<number | null>((done) => child.on('close', done))
      const [out, said, code] = await Promise.all([text(child.stdout), text(child.stderr), exited])
      return { out, said, code }
    },
  }
}
