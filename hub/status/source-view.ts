import { formatDuration } from '@groundswell/proto/duration.ts'
import type { SourceView } from '../api/source-view.ts'
import type { SourceView as Source } from '../source/sources.ts'
import { toTime } from './cluster-view.ts'

/** A source as the renderer tells of it → as REST shows it. */
export function viewSource(source: Source): SourceView {
  const { name, url, ref, revision, interval, suspended, signer, failure } = source
  return {
    ...{ name, url, ref, revision, suspended, signer },
    lastFetch: toTime(source.lastFetchedAt),
    nextFetch: toTime(source.nextFetchAt),
    interval: interval === null ? null : formatDuration(interval),
    failure: failure && { ...failure, since: new Date(failure.since).toISOString() },
  }
}
