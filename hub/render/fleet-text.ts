import type { FleetFile } from '../fleet/load/load.ts'

/** The configuration files of a fleet repository, as they are. */
export interface FleetText {
  /** Names the files by their content: same id, same files. */
  readonly tree: string
  /** Paths as people see them in the repository. */
  readonly files: readonly FleetFile[]
}
