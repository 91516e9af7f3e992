import { createAdmission } from '../sync/admission.ts'
import type { Gate } from '../sync/gate.ts'
import type { Surroundings } from './surroundings.ts'

/** What may be open at a time of each listener. */
const bounds = {
  /** A hub is made for half of them, and all may come from one proxy. */
  data: { open: 20_000 },
  /**
   * Anybody can have a connection here, and keep it by a call that never ends: a call of who joins takes a
   * moment, and far fewer of them are answered in a minute.
   */
  enrol: { open: 2_000, openEach: 1_000, openMs: 60_000 },
} as const

/** Who a listener lets in before TLS. */
export function openGate(
  { config, clock }: Pick<Surroundings, 'config' | 'clock'>,
  listener: keyof typeof bounds,
  onCrowd: Gate['onCrowd'],
): Gate {
  const { openMs, ...open }: { open: number; openEach?: number; openMs?: number } = bounds[listener]
  return {
    admission: createAdmission({
      ...{ atOnce: config.handshakes, perSecond: config.handshakes * 2, clock },
      ...open,
    }),
    onCrowd,
    ...(openMs !== undefined && { openMs }),
  }
}
