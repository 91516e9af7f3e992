import { type Command, Option } from 'commander'
import { parseJoinToken } from '@groundswell/proto/enrol.ts'
import { createAgentDeployment, formatAgentManifest, listAgentObjects } from '../agent-manifest.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine, formatJson } from '../output.ts'
import { type TokenFlags, makeToken, withTokenFlags } from './cluster.ts'

interface ManifestFlags extends TokenFlags {
  readonly image: string
  readonly namespace: string
  readonly clusterRole: string
  readonly token?: string
  readonly hub?: string
  readonly output: 'yaml' | 'json'
}

export function addAgent(program: Command, context: CommandContext): void {
  const { terminal } = context
  const agent = program.command('agent').description('install agents')

  withTokenFlags(withConnection(agent.command('manifest')))
    .description('what `kubectl apply -f -` needs to run the agent of a cluster that Git declares')
    .argument('<name>')
    .requiredOption('--image <image>', 'container image whose entry point is the agent')
    .option('--namespace <name>', 'where the agent lives', 'groundswell-system')
    .option(
      '--cluster-role <name>',
      'what the agent may apply; by default anything, since Git may ask for anything',
      'cluster-admin',
    )
    .addOption(
      new Option(
        '--token <token>',
        'a join token that was made before; --hub says where',
      ).conflicts(['preApproved', 'replace', 'clusterUid', 'label', 'project']),
    )
    .option('--hub <host:port>', "the hub's enrol port as this cluster reaches it")
    .addOption(new Option('-o, --output <format>').choices(['yaml', 'json']).default('yaml'))
    .action(async (name: string, flags: ManifestFlags) => {
      const { namespace, image, clusterRole } = flags
      checkFlags(flags)
      check('--cluster-role', clusterRole, /^[^\s/%]{1,253}$/)
      check('NAME', name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
      const { token, hub, hint } = await tokenFor(name, flags)
      const objects = listAgentObjects({
        ...{ namespace, image, clusterRole, token, hub },
        cluster: name,
      })
      const list = { apiVersion: 'v1', kind: 'List', items: objects }
      terminal.out(flags.output === 'json' ? formatJson(list) : formatAgentManifest(objects))
      terminal.say(
        `it holds a join token, ${hint}: pipe it into kubectl apply --server-side -f - and keep it nowhere\n`,
      )
      if (clusterRole === 'cluster-admin') {
        terminal.say(
          'the agent may do anything in its cluster; --cluster-role NAME narrows what it may apply\n',
        )
      }
    })

  agent
    .command('deployment')
    .description('the Deployment of agents, for a fleet that rolls their release out from Git')
    .requiredOption('--image <image>', 'container image whose entry point is the agent')
    .requiredOption('--hub <host:port>', "the hub's enrol port as the clusters reach it")
    .option('--namespace <name>', 'where the agents live', 'groundswell-system')
    .action((flags: Pick<ManifestFlags, 'image' | 'namespace'> & { readonly hub: string }) => {
      checkFlags(flags)
      terminal.out(formatAgentManifest([createAgentDeployment(flags)]))
    })

  async function tokenFor(name: string, flags: ManifestFlags) {
    if (flags.token === undefined) {
      const made = await makeToken(await context.connect(flags), name, flags, terminal.signal)
      const approval = made.preApproved
        ? ''
        : `; the agent then waits for swell cluster approve ${escapeLine(name)}`
      const hint = `good for one agent until ${escapeLine(made.expiresAt)}${approval}`
      return { token: made.token, hub: flags.hub ?? made.address, hint }
    }
    if (flags.hub === undefined) throw new CliFailure(2, '--token needs --hub HOST:PORT')
    try {
      parseJoinToken(flags.token)
    } catch (cause) {
      throw new CliFailure(2, (cause as Error).message, { cause })
    }
    return { token: flags.token.trim(), hub: flags.hub, hint: 'used once' }
  }
}

/** @throws CliFailure */
function checkFlags(flags: Pick<ManifestFlags, 'namespace' | 'image' | 'hub'>): void {
  check('--namespace', flags.namespace, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
  check('--image', flags.image, /^[^\s]{1,512}$/)
  if (flags.hub !== undefined) check('--hub', flags.hub, /^(\[[0-9a-f:]+\]|[^:\s/]+):\d{1,5}$/i)
}

/** @throws CliFailure */
function check(flag: string, text: string, pattern: RegExp): void {
  if (!pattern.test(text)) throw new CliFailure(2, `${flag}: cannot be ${JSON.stringify(text)}`)
}
