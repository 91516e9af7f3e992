import { createPrivateKey, X509Certificate } from 'node:crypto'

/** A certificate's life, counted from when we got it: our clock may differ from the hub's. */
export interface Life {
  /** Milliseconds by our own clock. */
  readonly from: number
  readonly lengthMs: number
}

/** Renewed within this part of its life, so that agents that joined together spread out. */
const earliest = 0.5
const latest = 0.66

/** @throws Error when the text is no certificate */
export function lifeOf(certificateChain: string, receivedAt: number): Life {
  const { validFrom, validTo } = new X509Certificate(certificateChain)
  return { from: receivedAt, lengthMs: Math.max(1, Date.parse(validTo) - Date.parse(validFrom)) }
}

/** Whether a certificate (PEM) is for a key (PKCS#8 PEM): with any other, no connection can be opened. */
export function isCertificateOf(certificateChain: string, key: string): boolean {
  try {
    return new X509Certificate(certificateChain).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

/** When to renew; `random` in [0, 1). */
export function renewAt({ from, lengthMs }: Life, random: number): number {
  return from + lengthMs * (earliest + (latest - earliest) * random)
}

/** Whether it may have ended by now. A clock that went back says nothing, so it may. */
export function mayBeOver({ from, lengthMs }: Life, now: number): boolean {
  return now < from || now >= from + lengthMs
}
