import { AgentError } from '../errors.ts'
import type { CertificateLife } from './hub-certificate.ts'

/**
 * A stream whose hub shows a certificate that is over, or has not begun, by this machine's clock. It
 * is told nothing of the cluster until a signer has said what time it is (F29): who merely found an
 * old certificate's key has no such word.
 */
export interface Probation {
  /** Whether it is still unknown if this is the hub. */
  readonly open: boolean
  /**
   * What time it is by a signer's word, in milliseconds since 1970; undefined before there is one.
   * @throws AgentError `hub_untrusted` when the certificate is not good at it
   */
  judge(now: number | undefined): void
}

/** @param passed called once, at once when there is nothing to doubt */
export function createProbation(life: CertificateLife | undefined, passed: () => void): Probation {
  let open = life !== undefined
  if (!open) passed()
  return {
    get open() {
      return open
    },
    judge(now) {
      if (!open || !life || now === undefined) return
      if (now < life.from || now > life.to) {
        const word = now > life.to ? 'is over' : 'has not begun'
        throw new AgentError(
          'hub_untrusted',
          `the hub's certificate ${word} by the time that its signer attests`,
        )
      }
      open = false
      passed()
    },
  }
}
