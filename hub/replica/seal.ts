import { createHmac, timingSafeEqual } from 'node:crypto'

/** Marks text so that replicas of one fleet know it for their own, whoever may write to Redis. */
export interface Seal {
  close(text: string): string
  /** Undefined for what no replica sealed. */
  open(sealed: string): string | undefined
}

const macLength = 43

/** What is sealed for one place is not taken for the other. */
export type SealedPlace = 'ledger' | 'ledger-remote' | 'pins'

/** `secret`: what only the hubs of this fleet have. */
export function createSeal(secret: Uint8Array, place: SealedPlace = 'ledger'): Seal {
  const macOf = (text: string): string =>
    createHmac('sha256', secret).update(`groundswell/${place}/v1|`).update(text).digest('base64url')
  return {
    close: (text) => `${macOf(text)}${text}`,
    open(sealed) {
      const text = sealed.slice(macLength)
      const [given, right] = [Buffer.from(sealed.slice(0, macLength)), Buffer.from(macOf(text))]
      return given.length === right.length && timingSafeEqual(given, right) ? text : undefined
    },
  }
}
