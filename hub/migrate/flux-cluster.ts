import { toName } from './draft.ts'

/** `clusters/NAME/…`, as Flux's own guides lay a repository out. */
export function clusterOf(file: string): string | undefined {
  const name = /(?:^|\/)clusters\/([^/]+)\//.exec(file)?.[1]
  return name === undefined ? undefined : toName(name)
}
