import type { SourceView } from '../client/gen/api.ts'

/** One word for people. */
export function stateOfSource({ suspended, failure, revision }: SourceView): string {
  if (suspended) return 'Suspended'
  if (failure) return 'Failing'
  return revision === null ? 'Waiting' : 'Good'
}
