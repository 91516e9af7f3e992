import type { Fault } from '../errors.ts'
import type { Kind } from '../fleet/kinds.ts'

/** A file of what is migrated from. */
export interface ForeignFile {
  /** Relative to the directory that is migrated. */
  readonly path: string
  readonly text: string
}

/** A configuration object of ours. */
export interface Converted {
  readonly kind: Kind
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly spec: Readonly<Record<string, unknown>>
}

/** What another tool's files come to, and what of them does not come over. */
export interface Migration {
  readonly documents: readonly Converted[]
  /** By file and line. */
  readonly gaps: readonly Fault[]
}

/** Pure: the same files give the same migration. */
export type Convert = (files: readonly ForeignFile[]) => Migration
