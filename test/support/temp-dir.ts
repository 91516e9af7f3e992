import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeAtEnd } from './watchdog.ts'

/** A directory of its own, for one test; `await using` removes it. */
export interface TempDir extends AsyncDisposable {
  readonly path: string
  remove(): Promise<void>
}

/** Removed by `remove()`, by `await using`, or when the process ends, however it ends. */
export async function createTempDir(name = 'test'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `groundswell-${name}-`))
  removeAtEnd(path)
  const remove = async () => rm(path, { recursive: true, force: true, maxRetries: 5 })
  return { path, remove, [Symbol.asyncDispose]: remove }
}
