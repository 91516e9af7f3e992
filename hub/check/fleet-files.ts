import { posix } from 'node:path'
import type { FleetFile } from '../fleet/load/load.ts'
import type { Snapshot } from './local-repository.ts'

/** The configuration of a fleet repository at a commit: YAML files of one directory and below. */
export async function readFleetFiles(
  { mirror, commit }: Snapshot,
  directory: string,
): Promise<FleetFile[]> {
  const tree = await mirror.readTree(commit, posix.normalize(directory))
  const files = tree.files.filter(({ path }) => /\.ya?ml$/i.test(path))
  const bytes = await mirror.readBlobs(files.map(({ oid }) => oid))
  return files.map(({ path }, at) => ({ path: posix.join(directory, path), bytes: bytes[at]! }))
}
