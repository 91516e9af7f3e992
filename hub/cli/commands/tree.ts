import type { Command } from 'commander'
import type { Client } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { createPaint } from '../paint.ts'
import { readObjects } from '../read-objects.ts'
import {
  type Branch,
  type ObjectsAnswer,
  formatTree,
  growApplication,
  growCluster,
} from '../tree.ts'

interface Flags extends ConnectionFlags {
  readonly cluster?: string
  readonly all?: true
}

/** Clusters whose objects are asked for unless one is named: a screen holds no more. */
const mostClusters = 20

export function addTree(program: Command, context: CommandContext): void {
  const { terminal, connect } = context
  const { signal } = terminal
  withConnection(program.command('tree'))
    .description(
      'an application, the clusters it is on, and its objects there that are not well; exits with 1 when something is not',
    )
    .argument('<application>')
    .option('--cluster <name>', 'only there, with every object')
    .option('--all', 'every object, also those that are well')
    .action(async (name: string, flags: Flags) => {
      const client = await connect(flags)
      const application = await client.call('getApplication', { path: { name }, signal })
      const query = { limit: mostClusters, cluster: flags.cluster }
      const page = await client.call('diffApplication', { path: { name }, query, signal })
      const whole = flags.all === true || flags.cluster !== undefined
      const clusters: Branch[] = []
      for (const cluster of page.clusters) {
        const objects = await askObjects(client, name, cluster.cluster, whole, signal)
        clusters.push(growCluster(cluster, objects, whole))
      }
      const root = growApplication(application, clusters, flags.cluster)
      terminal.out(formatTree(root, createPaint(terminal.color)))
      if (!root.well) context.exitCode = 1
      if (page.continue === null) return
      terminal.say(
        `the first ${mostClusters} of ${application.targets} clusters; name one with --cluster\n`,
      )
    })
}

/** What cannot be told of one cluster keeps nothing back of the others. */
async function askObjects(
  client: Client,
  application: string,
  name: string,
  whole: boolean,
  signal: AbortSignal,
): Promise<ObjectsAnswer> {
  try {
    return await readObjects(client, { name, application }, whole ? {} : { unwell: true }, signal)
  } catch (cause) {
    if (cause instanceof CliFailure && cause.status === 404) return undefined
    throw cause
  }
}
