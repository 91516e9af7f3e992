import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createTempDir } from './temp-dir.ts'

/** Set in the process that may mount since it has a user namespace of its own. */
const inside = 'GROUNDSWELL_TEST_NAMESPACE'

export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  /** Leaves no byte free. */
  fill(): void
  /** Takes away what filled it. */
  free(): void
}

/** A file system of so many KiB that really is full when it is full; undefined when it may not be mounted. */
export async function mountSmallDisk(kib: number): Promise<SmallDisk | undefined> {
  const directory = await createTempDir('small-disk')
  const { path } = directory
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    await directory.remove()
    return undefined
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    fill() {
      // Page by page, so that not one is left.
      try {
        for (;;) appendFileSync(ballast, Buffer.alloc(4096))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    },
    free: () => rmSync(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', [path])
      await directory.remove()
    },
  }
}

/**
 * Runs a test file again as root of a user namespace, where anybody may mount. Undefined when this is
 * that run already, or the machine has no such namespaces; else how the run ended.
 */
export function runInNamespace(
  file: string,
): { readonly ok: boolean; readonly text: string } | undefined {
  if (process.env[inside]) return undefined
  if (spawnSync('unshare', ['-rm', 'true']).status !== 0) return undefined
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const run = spawnSync('unshare', ['-rm', process.execPath, '--test', file], {
    env: { ...env, [inside]: '1' },
    encoding: 'utf8',
    timeout: 120_000,
  })
  return { ok: run.status === 0, text: run.stdout + run.stderr }
}
