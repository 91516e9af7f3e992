import { signal } from '@preact/signals'

const stored = 'groundswell-token'

/** Who the browser speaks for; kept as long as its tab, and no longer. Null asks to sign in. */
export const token = signal<string | null>(sessionStorage.getItem(stored))

export function signIn(text: string): void {
  sessionStorage.setItem(stored, text)
  token.value = text
}

export function signOut(): void {
  sessionStorage.removeItem(stored)
  token.value = null
}
