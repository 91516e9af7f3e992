import { createAdmission } from '../sync/admission.ts'
import type { Gate } from '../sync/gate.ts'
import type { Surroundings } from './surroundings.ts'

/** Of one listener; a hub is made for half of them. */
const mostConnections = 20_000

/** Who a listener lets in before TLS. */
export function openGate(
  { config, clock }: Pick<Surroundings, 'config' | 'clock'>,
  onCrowd: Gate['onCrowd'],
): Gate {
  return {
    admission: createAdmission({
      atOnce: config.handshakes,
      perSecond: config.handshakes * 2,
      open: mostConnections,
      clock,
    }),
    onCrowd,
  }
}
