import { shortRevision } from '@groundswell/proto/revision.ts'
import type { Command } from 'commander'
import { stateOfSource } from '../source-state.ts'
import type {
  ApplicationView,
  ClusterView,
  GroupView,
  RolloutView,
  SourceView,
} from '../../client/gen/api.ts'
import { type Fault, formatFault } from '../../errors.ts'
import type { Client } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { formatAge, formatFields, formatLabels, formatTable } from '../output.ts'

type Describe = (
  client: Client,
  name: string,
  context: { readonly now: number; readonly signal: AbortSignal },
) => Promise<string>

const describers: Readonly<Record<string, Describe>> = {
  cluster: async (client, name, { now, signal }) =>
    describeCluster(await client.call('getCluster', { path: { name }, signal }), now),
  group: async (client, name, { signal }) =>
    describeGroup(await client.call('getGroup', { path: { name }, signal })),
  application: async (client, name, { now, signal }) =>
    describeApplication(await client.call('getApplication', { path: { name }, signal }), now),
  source: async (client, name, { now, signal }) =>
    describeSource(await client.call('getSource', { path: { name }, signal }), now),
  rollout: async (client, name, { now, signal }) =>
    describeRollout(await client.call('getRollout', { path: { id: name }, signal }), now),
}

const shortWords: Readonly<Record<string, string>> = {
  app: 'application',
  apps: 'application',
  repository: 'source',
  repositories: 'source',
}

export function addDescribe(program: Command, context: CommandContext): void {
  withConnection(program.command('describe'))
    .description('everything about one cluster, group, application, rollout or source')
    .argument('<kind>')
    .argument('<name>')
    .action(async (kind: string, name: string, flags: ConnectionFlags) => {
      const word = shortWords[kind] ?? kind.replace(/s$/, '')
      const describe = Object.hasOwn(describers, word) ? describers[word] : undefined
      if (!describe) {
        throw new CliFailure(2, `unknown kind ${kind}`, {
          hint: `one of ${Object.keys(describers).join(', ')}`,
        })
      }
      const { terminal } = context
      const client = await context.connect(flags)
      const options = { now: terminal.now(), signal: terminal.signal }
      terminal.out(await describe(client, name, options))
    })
}

/** Of Git and agent Git comes first, so both are told where they may differ. */
function describeFacts({ facts }: ClusterView): string {
  if (!facts) return ''
  const told = { git: 'declared in Git', agent: 'reported by its agent', nobody: 'nobody said' }
  const version = facts.kubernetesVersion && `Kubernetes ${facts.kubernetesVersion}`
  const versions = `${version || "the engine's Kubernetes"} (${told[facts.kubernetesVersionFrom]})`
  const apis = facts.apisFrom === 'agent' ? `${facts.apis} APIs` : `${facts.apis} more APIs`
  return `${versions}, ${apis} (${told[facts.apisFrom]})`
}

function describeCluster(cluster: ClusterView, now: number): string {
  const fields = formatFields([
    ['Name', cluster.name],
    ['Labels', formatLabels(cluster.labels)],
    ['Groups', cluster.groups.join(', ')],
    ['State', cluster.suspended ? `${cluster.lifecycle}, suspended in Git` : cluster.lifecycle],
    ['Connection', `${cluster.connection.state} for ${formatAge(cluster.connection.since, now)}`],
    ['Last seen', cluster.lastSeen ? `${formatAge(cluster.lastSeen, now)} ago` : 'never'],
    ['Kubernetes', cluster.kubernetesVersion],
    ['Charts see', describeFacts(cluster)],
    ['Agent', cluster.agentVersion],
    ['Nodes', String(cluster.nodes)],
    ['Snapshot', `${cluster.acceptedSequence} accepted, ${cluster.offeredSequence} signed`],
    ['Stale', cluster.stale ? 'yes: nobody vouches that it has the newest' : 'no'],
    ['Refusal', cluster.refusal ? `${cluster.refusal.code}: ${cluster.refusal.message}` : 'none'],
    ...describeHolds(cluster),
    ...describeContradictions(cluster),
  ])
  const rows = cluster.applications.map((one) => [
    one.name,
    shortRevision(one.desiredRevision ?? ''),
    one.upToDate ? 'yes' : 'no',
    one.held ? `${one.phase ?? ''} (vetoed)` : (one.phase ?? ''),
    one.health ?? '',
    `${one.readyObjects}/${one.objects}`,
    String(one.driftedObjects),
    one.message,
  ])
  const header = [
    'APPLICATION',
    'REVISION',
    'UPDATED',
    'PHASE',
    'HEALTH',
    'READY',
    'DRIFTED',
    'MESSAGE',
  ]
  return `${fields}\n${formatTable([header, ...rows])}`
}

function describeHolds({ holds = [] }: ClusterView): [string, string][] {
  return holds.map(({ mode, until, reason, applications, source, fault }) => {
    const what = applications.length === 0 ? 'all updates' : applications.join(', ')
    const end = until === null ? 'until released' : `until ${until}`
    const why = fault ? `, cannot be read: ${fault}` : reason ? `: ${reason}` : ''
    return [
      'Vetoed',
      `${what} ${mode === 'refuse' ? 'refused' : 'wait'} ${end}, by ${source}${why}`,
    ]
  })
}

/** What nobody may see: shown only when it is there. */
function describeContradictions(cluster: ClusterView): [string, string][] {
  const { auditFault, equivocations = [] } = cluster
  const twice = equivocations.map(
    ({ epoch, sequence, accepted, refused, at }) =>
      `epoch ${epoch}, sequence ${sequence}: ${accepted} accepted, ${refused} refused (told ${at})`,
  )
  return [
    ...(auditFault
      ? [['Ledger', `${auditFault.code}: ${auditFault.message}`] as [string, string]]
      : []),
    ...(twice.length > 0 ? [['Equivocation', twice.join('\n')] as [string, string]] : []),
  ]
}

function describeGroup(group: GroupView): string {
  return formatFields([
    ['Name', group.name],
    ['Labels', formatLabels(group.labels)],
    ['Connected', `${group.counts.connected} of ${group.counts.clusters}`],
    ['Unreachable', String(group.counts.unreachable)],
    ['Clusters', group.clusters.join('\n')],
  ])
}

function describeApplication(one: ApplicationView, now: number): string {
  const { counts, rollout, hold } = one
  return formatFields([
    ['Name', one.name],
    ['Labels', formatLabels(one.labels)],
    ['Source', `${one.source.kind} ${one.source.path} in ${one.source.repository}`],
    ['Strategy', one.strategy],
    ['Revision', one.revision ?? ''],
    ['Suspended', one.suspended ? 'yes, in Git' : 'no'],
    ['Targets', `${one.targets} clusters`],
    ['Updated', String(counts.updated)],
    ['Pending', String(counts.pending)],
    ['Behind', one.behind ? `${one.behind}, where Git asks for something else` : '0'],
    ['Failed', String(counts.failed)],
    ['Unreachable', String(counts.unreachable)],
    ['Drifted', String(counts.drifted)],
    ['Rollout', rollout ? `${rollout.id}: ${rollout.phase}. ${rollout.message}` : 'none active'],
    [
      'Hold',
      hold
        ? `${hold.revision}\nset ${formatAge(hold.at, now)} ago by rollout ${hold.rollout}: ${hold.reason}`
        : 'none',
    ],
    ...describeFaults('Faults', one.faults),
    ...describeFaults('Warnings', one.warnings),
  ])
}

function describeFaults(title: string, faults: readonly Fault[] = []): [string, string][] {
  return faults.length === 0 ? [] : [[title, faults.map(formatFault).join('\n')]]
}

function describeSource(one: SourceView, now: number): string {
  const { failure } = one
  return formatFields([
    ['Name', one.name],
    ['URL', one.url],
    ['Ref', one.ref],
    ['Revision', one.revision ?? 'none yet'],
    ['State', stateOfSource(one)],
    ['Last fetch', one.lastFetch ? `${formatAge(one.lastFetch, now)} ago` : 'never'],
    ['Next fetch', one.nextFetch ? `in ${formatUntil(one.nextFetch, now)}` : ''],
    ['Interval', one.interval ?? ''],
    ...(one.signer === null ? [] : [['Signed by', one.signer] as const]),
    ...(failure
      ? ([
          ['Failing', `for ${formatAge(failure.since, now)}, ${failure.count} fetches in a row`],
          ['Error', `${failure.code}: ${failure.message}`],
        ] as const)
      : []),
  ])
}

function formatUntil(at: string, now: number): string {
  return formatAge(new Date(now).toISOString(), Date.parse(at))
}

/** Shared with `rollout plan`. */
export function describeRollout(rollout: RolloutView, now: number): string {
  const fields = formatFields([
    ['Name', rollout.id],
    ['Application', rollout.application],
    ['Revision', rollout.revision],
    ['Phase', rollout.phase],
    ['Message', rollout.message],
    ['Waiting for', rollout.waitingFor.join('\n')],
    ['Trigger', `${rollout.trigger.kind} by ${rollout.trigger.actor}: ${rollout.trigger.reason}`],
    ['Created', `${formatAge(rollout.createdAt, now)} ago`],
    ['Version', String(rollout.version)],
    [
      'Rules',
      `${sayTolerance(rollout)}; then ${rollout.onFailure}; unreachable clusters: ${rollout.offline}`,
    ],
  ])
  return `${fields}\n${formatTable([
    ['WAVE', 'STATE', 'CLUSTER', 'PROGRESS', 'DIGEST', 'WAS', 'MESSAGE'],
    ...rollout.waves.flatMap((wave) => [
      ...wave.before.map((gate) => gateRow(wave.name, wave.state, 'before', gate)),
      ...wave.clusters.map((cluster) => [
        wave.name,
        wave.state,
        cluster.name,
        cluster.outcome ?? cluster.state,
        shortDigest(cluster.digest, 'removed'),
        shortDigest(cluster.previousDigest, 'nothing'),
        cluster.message,
      ]),
      ...wave.after.map((gate) => gateRow(wave.name, wave.state, 'after', gate)),
    ]),
  ])}`
}

/** By wave first: without an overall budget, theirs alone decide. */
function sayTolerance({ maxFailures, waves }: Pick<RolloutView, 'maxFailures' | 'waves'>): string {
  const budgets = waves.map((wave) => wave.maxFailures)
  const [first = 0] = budgets
  const each = budgets.every((one) => one === first)
    ? `${first} in each wave`
    : waves.map((wave) => `${wave.maxFailures} in ${wave.name}`).join(', ')
  const sum = budgets.reduce((all, one) => all + one, 0)
  return `failures tolerated: ${each}${maxFailures < sum ? `, ${maxFailures} in all` : ''}`
}

function gateRow(
  wave: string,
  state: string,
  place: string,
  gate: RolloutView['waves'][number]['before'][number],
): string[] {
  const where = `(${place}: ${gate.kind})`
  if (gate.role !== null) {
    const progress = gate.approvedBy === null ? 'not yet' : `by ${gate.approvedBy}`
    return [wave, state, where, progress, '', '', `needs ${gate.role}`]
  }
  return [wave, state, where, gate.state, '', '', gate.message || gate.name]
}

function shortDigest(digest: string | null, none: string): string {
  return digest === null ? none : digest.slice('sha256:'.length, 'sha256:'.length + 12)
}
