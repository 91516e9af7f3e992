import type { Digest } from '@groundswell/proto/digest.ts'

/** kstatus's six words. */
export type Health = 'Unknown' | 'InProgress' | 'Current' | 'Failed' | 'Terminating' | 'NotFound'

export type Phase = 'Pending' | 'Applying' | 'Applied' | 'Failed' | 'Removed'

export interface ObjectHealth {
  /** Object id, formatted. */
  readonly object: string
  readonly health: Health
  readonly message: string
}

export interface ObjectError {
  readonly object: string
  readonly file: string
  readonly code: string
  readonly message: string
}

export interface FieldDrift {
  /** JSON Pointer. */
  readonly path: string
  /** JSON text, empty when absent; redacted for Secrets. */
  readonly desired: string
  readonly live: string
  readonly manager: string
  /** When that manager changed what it owns, in milliseconds by the API server's clock. */
  readonly changedAt?: number
}

export interface ObjectDrift {
  readonly object: string
  readonly missing: boolean
  readonly firstSeen: number
  readonly fields: readonly FieldDrift[]
  /** Field manager that undoes repairs, for whose sake they are held back; absent when none does. */
  readonly contestedBy?: string
}

/** What the agent knows of one application; reported whole whenever it changes. */
export interface ApplicationState {
  readonly application: string
  readonly manifestDigest: Digest | null
  readonly generation: number
  readonly phase: Phase
  readonly health: Health
  readonly objects: number
  readonly readyObjects: number
  readonly unhealthy: readonly ObjectHealth[]
  readonly errors: readonly ObjectError[]
  readonly drift: readonly ObjectDrift[]
  readonly driftedObjects: number
  readonly healed: number
  /** What it waits for while it is being applied, in words; absent when for nothing. */
  readonly waiting?: string
  /** Content that a hold keeps from being applied; all else here is of what runs. */
  readonly held?: { readonly digest: Digest | null; readonly generation: number }
  /** By the stricter rules that a rollout goes by, where those say worse. */
  readonly gate?: GateState
}

export interface GateState {
  readonly health: Health
  /** Objects that fare worse by them than they show. */
  readonly objects: readonly ObjectHealth[]
}
