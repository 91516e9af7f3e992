import { HubError, type HubErrorCode } from '../errors.ts'
import { judgeHost } from './host-rules.ts'

/** Judges a host and says where its connections go; undefined where any address will do. */
export type FindAddresses = (host: string, trusted: boolean) => Promise<string[] | undefined>

export interface NamedHostsOptions {
  /** Hosts that may be named; empty for every host whose addresses are all public. */
  readonly hosts: readonly string[]
  /** The setting that lists them, for whoever is refused. */
  readonly setting: `--${string}`
  readonly code: HubErrorCode
  /** Addresses of a host, all of them public. */
  readonly resolve: (host: string) => Promise<string[]>
}

/**
 * For servers that whoever writes to Git names: those a credential in the hub's own files names may be
 * anywhere, others have to be listed, or public.
 *
 * @throws HubError `code`
 */
export function createNamedHosts({
  hosts,
  setting,
  code,
  resolve,
}: NamedHostsOptions): FindAddresses {
  return async (host, trusted) => {
    switch (trusted ? 'trusted' : judgeHost(host, { allowed: hosts, fleet: '' })) {
      case 'trusted':
        return undefined
      case 'public':
        try {
          return await resolve(host)
        } catch (cause) {
          const message = (cause as Error).message.replace('--source-hosts', setting)
          throw new HubError(code, message, { cause })
        }
      case 'refused':
        throw new HubError(code, `${host} is not one of ${setting}`)
    }
  }
}
