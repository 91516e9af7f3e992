import type { Principal } from '../access/principal.ts'

/** A browser that logged in by the identity provider. */
export interface Session {
  readonly principal: Principal
  /** Only pages of our own origin can read it; what changes something has to name it. */
  readonly csrf: string
}
