import { lookup } from 'node:dns/promises'
import { BlockList, isIPv6 } from 'node:net'
import { HubError } from '../errors.ts'

/* Addresses that no host of the open Internet has (IANA's special-purpose registries). */
const special: readonly (readonly [string, number])[] = [
  ...(['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'] as const),
  ...(['172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24'] as const),
  ...(['192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'] as const),
  ...(['224.0.0.0/4', '240.0.0.0/4', '::/128', '::1/128'] as const),
  ...(['64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32'] as const),
  ...(['2002::/16', '3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'ff00::/8'] as const),
].map((range) => {
  const [network, bits] = range.split('/') as [string, string]
  return [network, Number(bits)]
})
const privateNetworks = new BlockList()
for (const [network, bits] of special) {
  privateNetworks.addSubnet(network, bits, isIPv6(network) ? 'ipv6' : 'ipv4')
}

/** Whether an address is of this machine, of a private network, or of none at all. */
export function isPrivateAddress(address: string): boolean {
  // A BlockList takes them for the IPv4 addresses they hold; no name server gives them.
  if (/^::ffff:/i.test(address)) return true
  return privateNetworks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/**
 * The addresses of a host, all of which are public. Who connects has to use these: asked again,
 * the name may mean another place (bad input B26).
 *
 * @throws HubError `source_unreachable` when it does not resolve, `source_refused` when one of its
 *   addresses is not public
 */
export async function resolvePublic(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true }).catch((cause: unknown) => {
    throw new HubError('source_unreachable', `the host name ${host} does not resolve`, { cause })
  })
  const addresses = found.map(({ address }) => address)
  const bad = addresses.find(isPrivateAddress)
  if (bad === undefined) return addresses
  throw new HubError(
    'source_refused',
    `${host === bad ? `${host} is` : `${host} is ${bad},`} an address of a private network; list the host in --source-hosts to allow it`,
  )
}
