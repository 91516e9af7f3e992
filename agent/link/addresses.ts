import { AgentError } from '../errors.ts'

/** The addresses of a setting: `HOST:PORT`, or several with commas between. */
export function listAddresses(text: string): string[] {
  return text
    .split(',')
    .map((address) => address.trim())
    .filter((address) => address !== '')
}

/** The address as gRPC takes it. A number needs no resolver of names, which costs a good part of a dial. */
export function toTarget(address: string): string {
  if (/^[\d.]+:\d+$/.test(address)) return `ipv4:${address}`
  return /^\[[\da-f:.]+\]:\d+$/i.test(address) ? `ipv6:${address}` : address
}

/**
 * Goes around the hub's addresses, a dial each: from one that is gone, stops or sends its agents
 * away to the next. Begins anywhere, so that agents spread over all. `random` in [0, 1).
 */
export function createAddresses(random: () => number): { next(text: string): string } {
  let turn: number | undefined
  return {
    next(text) {
      const all = listAddresses(text)
      turn = turn === undefined ? Math.floor(random() * all.length) : turn + 1
      return all[turn % all.length] ?? text
    },
  }
}

/**
 * Tries an address after another until one is reached.
 * @throws AgentError what the last one said, or at once what is no matter of reaching it
 */
export async function tryEach<T>(
  text: string,
  attempt: (address: string) => Promise<T>,
): Promise<T> {
  let last: unknown = new AgentError('hub_unreachable', 'no address of the hub is known')
  for (const address of listAddresses(text)) {
    try {
      return await attempt(address)
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'hub_unreachable') throw error
      last = error
    }
  }
  throw last
}
