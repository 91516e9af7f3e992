import { type Command, Option } from 'commander'
import type { Client } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { type Part, findPart } from '../parts.ts'
import { type Format, formatJson, formats, formatTable } from '../output.ts'
import type { ListQuery, Resource, Shown } from '../resource.ts'
import { parseResource } from '../resources.ts'

interface Flags extends ConnectionFlags, ListQuery {
  readonly output: Format
  readonly cluster?: string
  readonly watch?: true
  readonly headers: boolean
}

/** Milliseconds between two looks of `--watch`. */
const watchInterval = 2_000

export function addGet(program: Command, context: CommandContext): void {
  withConnection(program.command('get'))
    .description(
      'list clusters, groups, applications, rollouts or sources, or show one; receipts of a cluster, images of an application, its objects on a cluster; `facts` is what --facts of check reads',
    )
    .argument('<kind>')
    .argument('[name]')
    .addOption(new Option('-o, --output <format>').choices(formats).default('table'))
    .option('-l, --selector <labels>', 'label selector: env=prod,region in (a,b)')
    .option('--application <name>', 'rollouts or receipts of this application')
    .option('--cluster <name>', 'where the objects are')
    .option('--active', 'rollouts that are not over')
    .option('--sort <field>', 'what the list is sorted by, such as name, or -failed to fall')
    .option('-w, --watch', 'go on printing what changes')
    .option('--no-headers', 'no heading line')
    .action(async (kind: string, name: string | undefined, flags: Flags) => {
      if (kind === 'facts') return printFacts(context, name, flags)
      const listed = chooseListed(kind, name, flags)
      const client = await context.connect(flags)
      const format =
        flags.output === 'yaml' ? (await import('../yaml-output.ts')).formatYaml : formatJson
      const print = createPrinter(listed, { ...flags, format }, context)
      const { signal } = context.terminal
      print(await listed.read(client, signal))
      while (flags.watch && !signal.aborted) {
        await context.terminal.wait(watchInterval, signal)
        if (!signal.aborted) print(await listed.read(client, signal))
      }
    })
}

/** What is to be printed, and how it is got. */
interface Listed {
  readonly singular: string
  readonly header: (wide: boolean) => string[]
  /** A list, also where it has one item. */
  readonly isList: boolean
  readonly read: (client: Client, signal: AbortSignal) => Promise<Shown[]>
}

/** @throws CliFailure for what does not fit together */
function chooseListed(kind: string, name: string | undefined, flags: Flags): Listed {
  const part = findPart(kind)
  if (part) return choosePart(part, name, flags)
  const resource = parseResource(kind)
  refuseMisplaced(resource, name, flags)
  return {
    ...{ singular: resource.singular, header: resource.header, isList: name === undefined },
    read: async (client, signal) =>
      name === undefined
        ? resource.list(client, flags, signal)
        : [await resource.get(client, name, signal)],
  }
}

function choosePart(part: Part, name: string | undefined, flags: Flags): Listed {
  const { singular, header, of, onCluster } = part
  const { cluster, application } = flags
  const example = `swell get ${singular}s ${of.toUpperCase()}${onCluster ? ' --cluster NAME' : ''}`
  if (name === undefined || (onCluster && cluster === undefined)) {
    const owner = onCluster ? `an ${of} on a cluster` : `${of === 'cluster' ? 'a' : 'an'} ${of}`
    throw new CliFailure(2, `${singular}s are of ${owner}`, { hint: example })
  }
  const strange = [
    ...(flags.selector === undefined ? [] : ['--selector']),
    ...(flags.sort === undefined ? [] : ['--sort']),
    ...(flags.active ? ['--active'] : []),
    ...(application === undefined || of === 'cluster' ? [] : ['--application']),
    ...(cluster === undefined || onCluster ? [] : ['--cluster']),
  ]
  if (strange.length > 0) {
    throw new CliFailure(2, `${strange.join(', ')}: not for ${singular}s`, { hint: example })
  }
  const asked = { name, application, cluster: cluster ?? '' }
  return {
    ...{ singular, header, isList: true },
    read: async (client, signal) => part.list(client, asked, signal),
  }
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

/** Prints everything at first, then only what differs from the time before. */
function createPrinter(
  { singular, header, isList }: Listed,
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
    const whole = first && isList
    first = false
    if (nothing && flags.output !== 'json' && flags.output !== 'yaml') {
      terminal.say('nothing found\n')
      return
    }
    switch (flags.output) {
      case 'name':
        for (const one of changed) terminal.out(`${singular}/${one.name}\n`)
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
        const titles = heading ? [header(wide)] : []
        terminal.out(formatTable([...titles, ...rows], widths))
      }
    }
  }
}

/** A flag that would be ignored is a mistake to point out. */
function refuseMisplaced(resource: Resource, name: string | undefined, flags: Flags): void {
  if (flags.cluster !== undefined) throw new CliFailure(2, '--cluster is only for objects')
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
