import { signal } from '@preact/signals'

/** Who the browser speaks for: a token that was typed, or the session of a login by the identity provider. */
export type Session =
  | { readonly kind: 'token'; readonly token: string }
  /** The cookie goes along by itself; what changes something names this besides. */
  | { readonly kind: 'cookie'; readonly csrf: string }

const stored = 'groundswell-token'
const kept = sessionStorage.getItem(stored)

/** A token is kept as long as its tab, and no longer. Null asks to sign in. */
export const session = signal<Session | null>(kept === null ? null : { kind: 'token', token: kept })

export function signIn(next: Session): void {
  if (next.kind === 'token') sessionStorage.setItem(stored, next.token)
  session.value = next
}

export function signOut(): void {
  sessionStorage.removeItem(stored)
  session.value = null
}
