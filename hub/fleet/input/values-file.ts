import { posix } from 'node:path'

/** A values file as configured → relative to the repository's root. */
export function locateValuesFile(path: string, file: string): string {
  return file.startsWith('/') ? posix.normalize(file.slice(1)) : posix.join(path, file)
}
