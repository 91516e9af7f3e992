import { describeObject, parseObjectId } from '@groundswell/proto/object-id.ts'
import type { Command } from 'commander'
import type { ObjectsView, RolloutView } from '../../client/gen/api.ts'
import type { Client } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { formatFields } from '../output.ts'
import { matchesObject, parseObjectWord } from '../object-word.ts'
import { readObjects } from '../read-objects.ts'
import { readReceipt } from '../read-receipt.ts'

interface Found {
  readonly application: string
  readonly view: ObjectsView
  readonly object: ObjectsView['items'][number]
}

export function addTrace(program: Command, { terminal, connect }: CommandContext): void {
  const { signal } = terminal
  withConnection(program.command('trace'))
    .description(
      'where an object in a cluster comes from: its application, file, commit, author and rollout, what the agent says of it, and the receipt it signed for it',
    )
    .argument('<cluster>')
    .argument('<object>', 'KIND/NAMESPACE/NAME, KIND/NAME, or GROUP/KIND/NAMESPACE/NAME')
    .action(async (name: string, word: string, flags: ConnectionFlags) => {
      const wanted = parseObjectWord(word)
      const client = await connect(flags)
      const cluster = await client.call('getCluster', { path: { name }, signal })
      const all = await findObjects(client, name, cluster, wanted, signal)
      const [found] = all
      if (!found) {
        throw new CliFailure(1, `no application has ${word} in cluster ${name}`, {
          hint: `see \`swell tree APPLICATION --cluster ${name}\` for what they have`,
        })
      }
      if (all.length > 1) {
        throw new CliFailure(1, `${word} is more than one object`, {
          hint: 'name one of them in full',
          lines: all.map(({ object }) => object.id),
        })
      }
      const { application, view, object } = found
      const asked = { path: { name: application }, signal }
      const { source } = await client.call('getApplication', asked)
      const { items } = await client.call('listRevisions', { ...asked, query: { limit: 500 } })
      const made = items.find(({ revision }) => revision === view.revision)
      const rollout =
        made && (await client.call('getRollout', { path: { id: made.rollout }, signal }))
      const signed = await describeReceipt(client, found, name, signal)
      const reported = cluster.applications.find((one) => one.name === application)
      terminal.out(
        formatFields([
          ['Object', `${describeObject(parseObjectId(object.id))} (${object.apiVersion})`],
          ['Health', [object.health ?? 'not reported', object.message].filter(Boolean).join(': ')],
          ['Drift', object.drift ? describeDrift(object.drift) : 'none'],
          ['Application', application],
          ['Source', `${source.repository}/${source.path} (${source.kind})`],
          ['File', object.file],
          ['Commit', view.revision],
          ...describeRollout(rollout),
          ['Content', view.digest],
          [
            'Agent says',
            view.reportedDigest === view.digest
              ? `this content, ${reported?.phase ?? ''} at ${reported?.updatedAt ?? 'no time'}`
              : `other content: ${view.reportedDigest ?? 'none'}`,
          ],
          ['Snapshot', `${cluster.acceptedSequence} accepted, ${cluster.offeredSequence} signed`],
          ['Receipt', signed],
        ]),
      )
      terminal.say('to check the signature: swell audit export, then swell audit verify\n')
    })
}

async function findObjects(
  client: Client,
  name: string,
  { applications }: { readonly applications: readonly { readonly name: string }[] },
  wanted: ReturnType<typeof parseObjectWord>,
  signal: AbortSignal,
): Promise<Found[]> {
  const found: Found[] = []
  for (const { name: application } of applications) {
    try {
      const view = await readObjects(client, { name, application }, {}, signal)
      for (const object of view.items) {
        if (matchesObject(wanted, object.id)) found.push({ application, view, object })
      }
    } catch (cause) {
      // It is assigned nothing there, or is being removed.
      if (!(cause instanceof CliFailure) || cause.status !== 404) throw cause
    }
  }
  return found
}

/** Receipts that are looked at for the one of this content; newer ones of other content are few. */
const mostReceipts = 50

async function describeReceipt(
  client: Client,
  { application, view, object }: Found,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const { items } = await client.call('listReceipts', {
    ...{ path: { name }, query: { application, limit: mostReceipts }, signal },
  })
  const kept = items.find(({ content }) => content === view.digest)
  if (!kept) return 'none of this content yet'
  const { outcome, at, sequence, id } = kept
  const words = `${id}: ${outcome} by snapshot ${sequence}, signed ${at}`
  const all = await readReceipt(client, { name, id }, signal)
  const own = all.items.find((one) => one.object === object.id)
  if (!own) return words
  const version = own.resourceVersion && `, resource version ${own.resourceVersion}`
  return `${words}\nthis object: ${own.result}${version}${own.code && `, ${own.code}`}`
}

function describeDrift({ missing, fields }: NonNullable<Found['object']['drift']>): string {
  if (missing) return 'it is missing'
  return fields
    .map(({ path, desired, live, manager }) => {
      return `${path}: ${desired} in Git, ${live} live${manager && `, by ${manager}`}`
    })
    .join('\n')
}

/** Who started it is the author of the commit, unless a person did so by hand. */
function describeRollout(rollout: RolloutView | undefined): (readonly [string, string])[] {
  if (!rollout) return [['Rollout', 'none is kept of this commit']]
  const { kind, actor, reason } = rollout.trigger
  const isByHand = kind === 'api' || kind === 'rollback'
  const author = rollout.author ?? (isByHand ? undefined : actor)
  return [
    ...(author === undefined ? [] : [['Author', author] as const]),
    ...(isByHand ? [['Started by', actor] as const] : []),
    [isByHand ? 'Reason' : 'Message', reason],
    ['Rollout', `${rollout.id} ${rollout.phase}, made ${rollout.createdAt}`],
  ]
}
