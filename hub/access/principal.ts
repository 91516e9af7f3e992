/** Of the whole fleet. Each role may do what the ones before it may. */
export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

/** Who asks, as authentication found out; never taken from a body or a header we do not check. */
export interface Principal {
  /** As the ledger names them: `admin`, `token:ci`, `oidc:ada@example.com`. */
  readonly actor: string
  /** Null for one who may do only what Projects in Git allow its groups. */
  readonly role: Role | null
  /** Of the identity provider, or of an API token. */
  readonly groups?: readonly string[]
  /**
   * What else they are called, so that they are known as the author of a commit: the address, name and login
   * that their provider tells; of a token, those of who made it.
   */
  readonly names?: readonly string[]
  /** Of a token that a person made: that person's `actor`. */
  readonly madeBy?: string
  /** When this login ends; milliseconds since the epoch. */
  readonly expiresAt?: number
}

/** Whether somebody logged in by themselves, and did not come with a secret that several may know. */
export function isPerson(actor: string): boolean {
  return actor.startsWith('oidc:')
}

export function isAllowed({ role }: Principal, needed: Role): boolean {
  return role !== null && roles.indexOf(role) >= roles.indexOf(needed)
}

/** The higher of two roles; null is none. */
export function higherRole(one: Role | null, other: Role | null): Role | null {
  if (one === null || other === null) return one ?? other
  return roles.indexOf(one) >= roles.indexOf(other) ? one : other
}
