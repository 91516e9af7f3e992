import { type Command, Option } from 'commander'
import type { PlannedView, RolloutView } from '../../client/gen/api.ts'
import type { Client } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { asListing } from '../listing.ts'
import { escapeLine, formatJson } from '../output.ts'
import { createPaint } from '../paint.ts'
import { askPatiently } from '../patience.ts'
import { formatPreview } from '../plan-text.ts'
import { describeRollout } from './describe.ts'

type Rollout = RolloutView
type Format = 'text' | 'json' | 'yaml' | 'name'

interface Flags extends ConnectionFlags {
  readonly output: Format
  readonly reason?: string
  readonly watch?: true
}

interface PlanFlags extends Flags {
  readonly live?: true
  readonly all?: true
}

type Entries<T> = [keyof T, string][]

/** Milliseconds between two looks. */
const watchInterval = 1_000
/** Rollouts of one application that have not ended: one is under way, and the newest waits. */
const mostInLine = 20

const gateActions = {
  approve: 'approve the gate it waits at',
  promote: 'open the gates it waits at that are no approvals',
} as const
const actions = {
  pause: 'offer nothing more until it is resumed',
  resume: 'go on',
  abort: 'end it; what was offered stays',
  rollback: 'give back what ran before, and hold the revision',
  retry: 'try the failed clusters again',
} as const

export function addRollout(program: Command, context: CommandContext): void {
  const { terminal } = context
  const { signal } = terminal
  const rollout = program.command('rollout').description('plan, start, steer and watch rollouts')

  leaf(rollout.command('plan'))
    .description(
      'what would roll out now, what it would change and how long it may take; starts nothing. With --live, exits with 1 when a cluster refuses something',
    )
    .argument('<application>')
    .option('--live', 'ask the clusters what their API servers would say; nothing is written')
    .option('--all', 'every form of a change, and clusters by name')
    .action(async (application: string, flags: PlanFlags) => {
      const client = await context.connect(flags)
      const body = { application, ...(flags.live && { live: true }) }
      const planned = await client.call('planRollout', { body, signal })
      const refused = planned.live?.findings.some(({ severity }) => severity === 'error')
      if (refused) context.exitCode = 1
      if (planned.rollout) await printPlan(context, flags, planned, planned.rollout)
      else terminal.say(`nothing to roll out: every cluster has what Git asks of ${application}\n`)
    })

  leaf(rollout.command('preview'))
    .description('what a rollout changes, object by object; with --back, what a rollback would')
    .argument('<rollout>', 'its id, or an application')
    .option('--back', 'what it would change to go back')
    .option('--all', 'every form of a change, and clusters by name')
    .action(async (given: string, flags: PlanFlags & { readonly back?: true }) => {
      const client = await context.connect(flags)
      const found = await findRollout(client, given, signal, 'any')
      const query = flags.back ? { back: true } : {}
      const path = { id: found.id }
      const planned = await client.call('previewRollout', { path, query, signal })
      await printPlan(context, flags, planned, planned.rollout ?? found)
    })

  reasoned(leaf(rollout.command('start')))
    .description('roll out what Git asks of an application now')
    .argument('<application>')
    .option('-w, --watch', 'follow it to its end')
    .action(async (application: string, flags: Flags) => {
      const client = await context.connect(flags)
      const body = { application, reason: flags.reason ?? '' }
      const started = await client.call('startRollout', { body, signal })
      if (flags.watch) await watch(context, client, started, flags.output)
      else await report(context, flags.output, started, 'start accepted')
    })

  for (const [kind, description] of Object.entries(actions) as Entries<typeof actions>) {
    // What is over can be taken back, too.
    const which = kind === 'rollback' ? 'any' : 'active'
    reasoned(leaf(rollout.command(kind)))
      .description(description)
      .argument(
        '<rollout>',
        `its id, or an application${which === 'any' ? '' : ' with an active rollout'}`,
      )
      .action(async (given: string, flags: Flags) => {
        const client = await context.connect(flags)
        const { id } = await findRollout(client, given, signal, which)
        const body = { reason: flags.reason ?? '' }
        const moved = await client.call(`${kind}Rollout`, { path: { id }, body, signal })
        await report(context, flags.output, moved, `${kind} accepted`)
      })
  }

  for (const [kind, description] of Object.entries(gateActions) as Entries<typeof gateActions>) {
    reasoned(leaf(rollout.command(kind)))
      .description(description)
      .argument('<rollout>', 'its id, or an application with an active rollout')
      .option('--wave <name>', 'only where it waits before or after this wave')
      .action(async (given: string, flags: Flags & { readonly wave?: string }) => {
        const client = await context.connect(flags)
        const found = await findRollout(client, given, signal)
        const at = findGate(found, kind === 'approve')
        if (flags.wave !== undefined && flags.wave !== at?.name) {
          const where = at
            ? `waits at the gate ${at.gate} wave ${at.name}`
            : 'waits at no such gate'
          throw new CliFailure(
            1,
            `rollout ${found.id} ${where}, not at one of wave ${flags.wave}`,
            {
              hint: `see \`swell rollout why ${found.id}\``,
            },
          )
        }
        const body = {
          reason: flags.reason ?? '',
          ...(at && { at: { wave: at.wave, gate: at.gate } }),
        }
        const moved = await client.call(`${kind}Rollout`, { path: { id: found.id }, body, signal })
        const place = at ? ` at the gate ${at.gate} wave ${at.name}` : ''
        await report(context, flags.output, moved, `${kind} accepted${place}`)
      })
  }

  reasoned(leaf(rollout.command('skip')))
    .description('go on without a cluster')
    .argument('<rollout>', 'its id, or an application with an active rollout')
    .argument('<cluster>')
    .action(async (given: string, cluster: string, flags: Flags) => {
      const client = await context.connect(flags)
      const { id } = await findRollout(client, given, signal)
      const body = { cluster, reason: flags.reason ?? '' }
      const moved = await client.call('skipCluster', { path: { id }, body, signal })
      await report(context, flags.output, moved, `skip of ${cluster} accepted`)
    })

  reasoned(leaf(rollout.command('begin')))
    .description('start one that is planned and waits its turn')
    .argument('<rollout>', 'its id')
    .action(async (id: string, flags: Flags) => {
      const client = await context.connect(flags)
      const body = { reason: flags.reason ?? '' }
      const moved = await client.call('startPlannedRollout', { path: { id }, body, signal })
      await report(context, flags.output, moved, 'start accepted')
    })

  asListing(
    rollout.command('clusters').argument('<rollout>', 'its id'),
    context,
    'listRolloutClusters',
    {
      WAVE: ({ wave }) => wave + 1,
      CLUSTER: ({ name }) => name,
      STATE: ({ state }) => state,
      OUTCOME: ({ outcome }) => outcome ?? '',
      MESSAGE: ({ message }) => message,
    },
  ).description('where each of its clusters is')

  asListing(rollout.command('approvals'), context, 'listOpenGates', {
    ROLLOUT: ({ rollout: id }) => id,
    APPLICATION: ({ application }) => application,
    WAVE: ({ wave, waveName }) => `${wave + 1} ${waveName}`,
    GATE: ({ gate }) => gate,
    ROLES: ({ roles }) => roles.join(', '),
  }).description('what waits for somebody to approve it')

  withConnection(rollout.command('why'))
    .description('what it waits for, a line each; exits with 1 when a gate has failed')
    .argument('<rollout>', 'its id, or an application')
    .action(async (given: string, flags: ConnectionFlags) => {
      const client = await context.connect(flags)
      const found = await findRollout(client, given, signal, 'any')
      const reasons = found.waitingFor.length > 0 ? found.waitingFor : [found.message]
      for (const reason of reasons) terminal.out(`${escapeLine(reason)}\n`)
      const failed = found.waves.some((wave) =>
        [...wave.before, ...wave.after].some(({ state }) => state === 'failed'),
      )
      if (failed && found.active) context.exitCode = 1
    })

  leaf(rollout.command('watch'))
    .description('follow it to its end; exits with 1 unless it succeeds')
    .argument('<rollout>', 'its id, or an application')
    .action(async (given: string, flags: Flags) => {
      const client = await context.connect(flags)
      await watch(context, client, await findRollout(client, given, signal, 'any'), flags.output)
    })
}

function leaf(command: Command): Command {
  const formats = new Option('-o, --output <format>').choices(['text', 'json', 'yaml', 'name'])
  return withConnection(command).addOption(formats.default('text'))
}

function reasoned(command: Command): Command {
  return command.option('--reason <text>', 'kept in the ledger')
}

/** By id, else the active rollout of an application; `any` takes its newest when none is active. */
async function findRollout(
  client: Client,
  given: string,
  signal: AbortSignal,
  which: 'active' | 'any' = 'active',
): Promise<Rollout> {
  const get = (id: string) => client.call('getRollout', { path: { id }, signal })
  try {
    return await get(given)
  } catch (cause) {
    if (!(cause instanceof CliFailure) || cause.status !== 404) throw cause
  }
  for (const active of which === 'any' ? [true, undefined] : [true]) {
    const query = { application: given, active, limit: mostInLine }
    const { items } = await client.call('listRollouts', { query, signal })
    // What waits its turn is newer than the one that people see moving, and mean.
    const meant = items.find(({ phase }) => active && phase !== 'Planned') ?? items[0]
    if (meant) return get(meant.id)
  }
  throw new CliFailure(1, `no rollout ${given}, and no active rollout of an application ${given}`, {
    hint: `see \`swell get rollouts\``,
  })
}

/** The gate that people see it wait at, so that no other is opened should it move on meanwhile. */
function findGate({ waves }: Rollout, isApproval: boolean) {
  for (const [wave, { name, ...gates }] of waves.entries()) {
    for (const gate of ['before', 'after'] as const) {
      const waits = gates[gate].some(
        ({ kind, state }) =>
          (kind === 'approval') === isApproval && state !== 'pending' && state !== 'passed',
      )
      if (waits) return { wave, gate, name }
    }
  }
  return undefined
}

/** Progress goes to stderr, the outcome to stdout. */
async function watch(
  context: CommandContext,
  client: Client,
  found: Rollout,
  output: Format,
): Promise<void> {
  const { terminal } = context
  let last = ''
  let rollout = found
  for (;;) {
    const line = progressLine(rollout)
    if (line !== last) terminal.say(`${escapeLine(line)}\n`)
    last = line
    if (!rollout.active) break
    await terminal.wait(watchInterval, terminal.signal)
    if (terminal.signal.aborted) return
    const ask = { path: { id: rollout.id }, signal: terminal.signal }
    const seen = await askPatiently(terminal, watchInterval, () => client.call('getRollout', ask))
    if (!seen) return
    rollout = seen
  }
  if (rollout.phase !== 'Succeeded') context.exitCode = 1
  await report(context, output, rollout, rollout.message)
}

function progressLine(rollout: Rollout): string {
  const { counts } = rollout
  const parts = [
    `${rollout.id} ${rollout.phase}`,
    `wave ${rollout.wave + 1}/${rollout.waveCount} ${rollout.waveName}`,
    `${counts.succeeded}/${counts.total} done`,
    counts.failed + counts.timedOut > 0 && `${counts.failed + counts.timedOut} failed`,
    counts.unreachable > 0 && `${counts.unreachable} unreachable`,
    rollout.waitingFor[0] ?? rollout.message,
  ]
  return parts.filter(Boolean).join(', ')
}

async function print(
  { terminal }: CommandContext,
  output: Format,
  rollout: Rollout,
): Promise<void> {
  switch (output) {
    case 'text':
      return terminal.out(describeRollout(rollout, terminal.now()))
    case 'json':
      return terminal.out(formatJson(rollout))
    case 'yaml':
      return terminal.out((await import('../yaml-output.ts')).formatYaml(rollout))
    case 'name':
      return terminal.out(`rollout/${rollout.id}\n`)
  }
}

async function printPlan(
  context: CommandContext,
  { output, all }: PlanFlags,
  planned: PlannedView,
  rollout: Rollout,
): Promise<void> {
  const { terminal } = context
  switch (output) {
    case 'text': {
      const options = {
        total: rollout.counts.total,
        all: all === true,
        paint: createPaint(terminal.color),
      }
      terminal.out(describeRollout(rollout, terminal.now()) + formatPreview(planned, options))
      return
    }
    case 'json':
      return terminal.out(formatJson(planned))
    case 'yaml':
      return terminal.out((await import('../yaml-output.ts')).formatYaml(planned))
    case 'name':
      return print(context, output, rollout)
  }
}

async function report(
  context: CommandContext,
  output: Format,
  rollout: Rollout,
  what: string,
): Promise<void> {
  if (output !== 'text') return print(context, output, rollout)
  context.terminal.out(`${escapeLine(`rollout/${rollout.id} ${rollout.phase}: ${what}`)}\n`)
}
