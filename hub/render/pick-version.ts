import { HubError } from '../errors.ts'
import type { PickVersion } from '../source/chart/chart.ts'
import type { EngineWorkers } from './workers.ts'

/** Has the engine read a repository's index: it may be large, and ranges are Helm's to read. */
export function createPickVersion(workers: EngineWorkers): PickVersion {
  return (from, { repo, chart, version }, signal) =>
    workers.lend('', signal, async (worker) => {
      const pick =
        'index' in from
          ? { chart, version, index: Buffer.from(from.index).toString('base64') }
          : { chart, version, tags: from.tags }
      const answer = await worker.ask({ op: 'pick', pick }, signal)
      if (answer.kind === 'done' && answer.picked) return answer.picked
      const faults = answer.kind === 'failed' ? answer.faults : []
      const words = faults.map(({ message }) => message).join('; ') || 'no version was picked'
      throw new HubError('revision_not_found', `${repo}: ${words}`, { faults })
    })
}
