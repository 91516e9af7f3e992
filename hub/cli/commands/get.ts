import { type Command, Option } from 'commander'
import type { Client } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { type Format, formatJson, formats, formatTable } from '../output.ts'
import type { ListQuery, Resource, Shown } from '../resource.ts'
import { parseResource } from '../resources.ts'

interface Flags extends ConnectionFlags, ListQuery {
  readonly output: Format
  readonly watch?: true
  readonly headers: boolean
}

/** Milliseconds between two looks of `--watch`. */
const watchInterval = 2_000

export function addGet(program: Command, context: CommandContext): void {
  withConnection(program.command('get'))
    .description(
      'list clusters, groups, applications, rollouts or sources, or show one; `facts` is what --facts of check reads',
    )
    .argument('<kind>')
    .argument('[name]')
    .addOption(new Option('-o, --output <format>').choices(formats).default('table'))
    .option('-l, --selector <labels>', 'label selector: env=prod,region in (a,b)')
    .option('--application <name>', 'rollouts of this application')
    .option('--active', 'rollouts that are not over')
    .option('--sort <field>', 'what the list is sorted by, such as name, or -failed to fall')
    .option('-w, --watch', 'go on printing what changes')
    .option('--no-headers', 'no heading line')
    .action(async (kind: string, name: string | undefined, flags: Flags) => {
      if (kind === 'facts') return printFacts(context, name, flags)
      const resource = parseResource(kind)
      refuseMisplaced(resource, name, flags)
      const client = await context.connect(flags)
      const format =
        flags.output === 'yaml' ? (await import('../yaml-output.ts')).formatYaml : formatJson
      const print = createPrinter(resource, name, { ...flags, format }, context)
      const { signal } = context.terminal
      print(await read(client, resource, name, flags, signal))
      while (flags.watch && !signal.aborted) {
        await context.terminal.wait(watchInterval, signal)
        if (!signal.aborted) print(await read(client, resource, name, flags, signal))
      }
    })
}

/** A file for checks without a hub, so it has one format. */
async function printFacts(
  context: CommandContext,
  name: string | undefined,
  flags: Flags,
): Promise<void> {
  if (name !== undefined) throw new CliFailure(2, 'facts are of the whole fleet')
  const client = await context.connect(flags)
  const facts = await client.call('getFacts', { signal: context.terminal.signal })
  context.terminal.out(formatJson(facts))
}

async function read(
  client: Client,
  resource: Resource,
  name: string | undefined,
  query: ListQuery,
  signal: AbortSignal,
): Promise<Shown[]> {
  if (name !== undefined) return [await resource.get(client, name, signal)]
  return resource.list(client, query, signal)
}

/** Prints everything at first, then only what differs from the time before. */
function createPrinter(
  resource: Resource,
  name: string | undefined,
  flags: Flags & { readonly format: (value: unknown) => string },
  { terminal }: CommandContext,
) {
  const before = new Map<string, string>()
  const widths: number[] = []
  let first = true
  return (shown: readonly Shown[]): void => {
    const changed = shown.filter((one) => {
      const text = JSON.stringify(one.view)
      const differs = before.get(one.name) !== text
      before.set(one.name, text)
      return differs
    })
    const heading = first && flags.headers
    const nothing = first && shown.length === 0
    const whole = first && name === undefined
    first = false
    if (nothing && flags.output !== 'json' && flags.output !== 'yaml') {
      terminal.say('nothing found\n')
      return
    }
    switch (flags.output) {
      case 'name':
        for (const one of changed) terminal.out(`${resource.singular}/${one.name}\n`)
        return
      case 'json':
      case 'yaml': {
        const views = changed.map((one) => one.view)
        if (whole) terminal.out(flags.format({ items: views }))
        else for (const view of views) terminal.out(flags.format(view))
        return
      }
      case 'table':
      case 'wide': {
        const wide = flags.output === 'wide'
        const rows = changed.map((one) => one.cells(wide, terminal.now()))
        const header = heading ? [resource.header(wide)] : []
        terminal.out(formatTable([...header, ...rows], widths))
      }
    }
  }
}

/** A flag that would be ignored is a mistake to point out. */
function refuseMisplaced(resource: Resource, name: string | undefined, flags: Flags): void {
  const ofRollouts = flags.application !== undefined || flags.active
  if (ofRollouts && resource.singular !== 'rollout') {
    throw new CliFailure(2, '--application and --active are only for rollouts')
  }
  if (flags.selector !== undefined && resource.singular === 'rollout') {
    throw new CliFailure(2, 'rollouts have no labels', { hint: 'use --application' })
  }
  if (flags.selector !== undefined && resource.singular === 'source') {
    throw new CliFailure(2, 'sources have no labels')
  }
  if (name !== undefined && (flags.selector !== undefined || ofRollouts)) {
    throw new CliFailure(2, 'a name and a filter exclude each other')
  }
}
