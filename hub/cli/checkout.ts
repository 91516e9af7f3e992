import type { Command } from 'commander'
import type { Checkout, Selection } from '../check/checkout.ts'
import { formatFault, HubError } from '../errors.ts'
import type { CommandContext } from './context.ts'
import { CliFailure } from './failure.ts'

export interface CheckoutFlags {
  readonly directory: string
  readonly path: string
  readonly repository: readonly string[]
  readonly fetch?: true
  readonly credentials?: string
  readonly facts?: string
  readonly sourceHost: readonly string[]
  readonly engine?: string
  readonly cache: boolean
  readonly application: readonly string[]
  readonly cluster: readonly string[]
}

const gather = (value: string, before: readonly string[]): string[] => [...before, value]
const none: readonly string[] = []

/** Flags of every command that works on a checkout, without a hub. */
export function withCheckout(command: Command): Command {
  return command
    .option('-C, --directory <dir>', 'checkout of the fleet repository', '.')
    .option('--path <dir>', 'directory in it that holds the configuration', '.')
    .option('--repository <name=dir>', 'checkout of another repository; repeatable', gather, none)
    .option('--fetch', 'fetch repositories that no checkout is given for, and charts')
    .option('--credentials <file>', 'for --fetch: YAML file, credential name → files')
    .option(
      '--source-host <host>',
      'for --fetch: fetch charts from this host alone; repeatable (any public one)',
      gather,
      none,
    )
    .option('--facts <file>', 'what clusters are, by their agents: made by `swell get facts`')
    .option('--application <name>', 'only this application; repeatable', gather, none)
    .option('--cluster <name>', 'only this cluster; repeatable', gather, none)
    .option('--engine <file>', 'render engine binary (GROUNDSWELL_ENGINE)')
    .option('--no-cache', 'render everything anew, and keep nothing')
}

export function toSelection({ application, cluster }: CheckoutFlags): Selection {
  return {
    ...(application.length > 0 && { applications: application }),
    ...(cluster.length > 0 && { clusters: cluster }),
  }
}

/**
 * Opens the checkout for as long as `work` takes.
 *
 * @throws CliFailure 2: whatever could not be read or rendered is no answer
 */
export async function useCheckout<T>(
  { terminal }: CommandContext,
  flags: CheckoutFlags,
  work: (checkout: Checkout) => Promise<T>,
): Promise<T> {
  const { directory, path, engine, credentials: credentialsFile, fetch = false, cache } = flags
  const { facts: factsFile, sourceHost: sourceHosts } = flags
  try {
    const checkout = await terminal.openCheckout(
      {
        ...{ directory, path, engine, credentialsFile, factsFile, sourceHosts, fetch, cache },
        repositories: new Map(flags.repository.map(parseRepository)),
      },
      terminal.signal,
    )
    try {
      return await work(checkout)
    } finally {
      await checkout.close()
    }
  } catch (cause) {
    if (!(cause instanceof HubError)) throw cause
    const lines = cause.faults.map(formatFault).filter((line) => line !== cause.message)
    throw new CliFailure(2, cause.message, { lines, cause })
  }
}

function parseRepository(text: string): [name: string, directory: string] {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) {
    throw new CliFailure(2, `--repository ${text}: write NAME=DIR`)
  }
  return [text.slice(0, at), text.slice(at + 1)]
}
