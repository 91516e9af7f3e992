import type { Lifetime } from '../lifetime.ts'
import type { Listener } from '../sync/listen/grpc.ts'
import type { Authority, ServerCertificate } from '../sync/x509.ts'
import type { Surroundings } from './surroundings.ts'

/** How often it is looked whether another certificate authority has its turn. */
const longestTurnMs = 60_000

/** What the hub's listeners show, renewed while it runs. */
export interface ShownCertificate {
  now(): ServerCertificate
  /** From now on it shows the newest one; others hear of it too. */
  showOn(...listeners: readonly Pick<Listener, 'present'>[]): void
}

/** Hosts that agents reach the hub by, each with a port. */
export function addressesOf(advertised: string, port: number): string {
  return hostsOf(advertised)
    .map((host) => `${host}:${port}`)
    .join(',')
}

function hostsOf(advertised: string): string[] {
  return advertised.split(',').filter((host) => host !== '')
}

/** Has the hub's certificate made, and made anew in time for as long as `life` lasts. */
export async function openCertificate(
  { config, log, clock }: Pick<Surroundings, 'config' | 'log' | 'clock'>,
  life: Lifetime,
  authority: Authority,
): Promise<ShownCertificate> {
  const hosts = [...new Set(['groundswell-hub', 'localhost', ...hostsOf(config.advertise)])]
  const listeners: Pick<Listener, 'present'>[] = []
  let certificate = await authority.serve(hosts)
  life.every(Math.min(longestTurnMs, config.authorityLifeMs / 200), async () => {
    const changed = await authority.turn()
    const now = clock()
    if (!changed && now >= certificate.madeAt && now < certificate.renewAt) return
    certificate = await authority.serve(hosts)
    for (const listener of listeners) listener.present(certificate)
    const trusted = authority.list().map(({ pin }) => pin)
    log.info({ issuing: authority.pin, trusted }, "the hub's certificate was renewed")
  })
  return {
    now: () => certificate,
    showOn: (...more) => void listeners.push(...more),
  }
}
