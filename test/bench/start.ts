import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { buildSwell } from '../../deploy/build/swell.mjs'
import { startApi } from '../support/api.ts'
import { createTempDir } from '../support/temp-dir.ts'
import type { BenchOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'

export const startGoals = [
  { metric: 'version_ms', text: '≤ 150' },
  { metric: 'get_clusters_ms', text: '≤ 150' },
  { metric: 'complete_ms', text: '≤ 150' },
]

/**
 * What a start of `swell` takes, as the one file that is shipped: from before the process is made until it
 * is gone. `node_ms` is Node that runs nothing. The hub is a real API over three clusters in memory.
 *
 * @throws Error when a command fails
 */
export async function measureStart(
  { runs }: Pick<BenchOptions, 'runs'>,
  say: (text: string) => void,
): Promise<Figures[]> {
  await using directory = await createTempDir('bench-start')
  await using test = await startApi()
  const server = await test.api.listen({ host: '127.0.0.1', port: 0 })
  const program = join(directory.path, 'swell.mjs')
  await buildSwell(program)

  const time = async (...words: readonly string[]): Promise<number> => {
    const env = { HOME: directory.path, SWELL_SERVER: server, SWELL_TOKEN: 'admin' }
    const began = performance.now()
    const child = spawn(process.execPath, words, { stdio: 'ignore', env })
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}`)
    return performance.now() - began
  }

  const all: Figures[] = []
  // The first fills Node's cache of what it compiled.
  for (let run = 0; run <= runs; run++) {
    const figures = {
      node_ms: await time('--eval', '0'),
      version_ms: await time(program, '--version'),
      help_ms: await time(program, '--help'),
      complete_ms: await time(program, 'completion', 'words', '--', 'rollout', 'p'),
      get_clusters_ms: await time(program, 'get', 'clusters'),
    }
    if (run === 0) continue
    say(`run ${run}: ${describeFigures(figures)}`)
    all.push(figures)
  }
  return all
}
