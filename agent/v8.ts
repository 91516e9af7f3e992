import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects what was lately made and thrown away. V8 does so by itself only when 64 MiB of buffers
 * lie about, and what it waits for by default cannot be set once a process runs.
 */
export function openCollector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void
  return () => collect({ type: 'minor' })
}
