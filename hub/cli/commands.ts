import type { Command } from 'commander'
import type { CommandContext } from './context.ts'

/** A command of `swell` as its list tells of it. What does its work is loaded when it is asked for. */
export interface CommandEntry {
  readonly name: string
  /** One line. */
  readonly summary: string
  load(): Promise<(program: Command, context: CommandContext) => void>
}

const entry = (name: string, summary: string, load: CommandEntry['load']): CommandEntry => ({
  name,
  summary,
  load,
})

/** All of them, in the order of `swell --help`. */
export const commands: readonly CommandEntry[] = [
  entry(
    'get',
    'list clusters, groups, applications, rollouts or sources, or show one',
    async () => (await import('./commands/get.ts')).addGet,
  ),
  entry(
    'describe',
    'everything about one of them',
    async () => (await import('./commands/describe.ts')).addDescribe,
  ),
  entry(
    'tree',
    'an application, its clusters, and their objects',
    async () => (await import('./commands/tree.ts')).addTree,
  ),
  entry(
    'trace',
    'where an object in a cluster comes from',
    async () => (await import('./commands/trace.ts')).addTrace,
  ),
  entry(
    'wait',
    'until a rollout, an application or a cluster is as wanted',
    async () => (await import('./commands/wait.ts')).addWait,
  ),
  entry(
    'rollout',
    'plan, start, steer and watch rollouts',
    async () => (await import('./commands/rollout.ts')).addRollout,
  ),
  entry(
    'hold',
    'revisions that failed and are held back',
    async () => (await import('./commands/hold.ts')).addHold,
  ),
  entry(
    'cluster',
    'enrol, approve and revoke clusters',
    async () => (await import('./commands/cluster.ts')).addCluster,
  ),
  entry('agent', 'install agents', async () => (await import('./commands/agent.ts')).addAgent),
  entry(
    'check',
    'lint, render and judge a checkout, without a hub',
    async () => (await import('./commands/check.ts')).addCheck,
  ),
  entry(
    'render',
    'the objects every cluster would get of a checkout',
    async () => (await import('./commands/render.ts')).addRender,
  ),
  entry(
    'diff',
    'what a change does, or how an application differs from what runs',
    async () => (await import('./commands/diff.ts')).addDiff,
  ),
  entry(
    'drift',
    'work with what differs from Git',
    async () => (await import('./commands/drift.ts')).addDrift,
  ),
  entry(
    'events',
    'what happened, oldest first',
    async () => (await import('./commands/events.ts')).addEvents,
  ),
  entry(
    'fleet',
    'what the hub last read from Git, and its faults',
    async () => (await import('./commands/fleet.ts')).addFleet,
  ),
  entry(
    'schema',
    'the JSON Schema of configuration in Git',
    async () => (await import('./commands/schema.ts')).addSchema,
  ),
  entry(
    'explain',
    'a kind or a field of the configuration in Git, in words',
    async () => (await import('./commands/explain.ts')).addExplain,
  ),
  entry(
    'migrate',
    'configuration of another tool → files of a fleet repository',
    async () => (await import('./commands/migrate.ts')).addMigrate,
  ),
  entry(
    'audit',
    'the ledger of decisions, as a file',
    async () => (await import('./commands/audit.ts')).addAudit,
  ),
  entry(
    'trust',
    'root keys, rotation and approvals, on files',
    async () => (await import('./commands/trust.ts')).addTrust,
  ),
  entry(
    'token',
    'bearer tokens for programs',
    async () => (await import('./commands/token.ts')).addToken,
  ),
  entry('login', 'log in to a hub', async () => (await import('./commands/login.ts')).addLogin),
  entry('logout', 'forget a login', async () => (await import('./commands/login.ts')).addLogin),
  entry(
    'context',
    'hubs that swell knows',
    async () => (await import('./commands/login.ts')).addLogin,
  ),
  entry(
    'whoami',
    'who you are to the hub, and what you may do',
    async () => (await import('./commands/whoami.ts')).addWhoami,
  ),
  entry(
    'doctor',
    'what is wrong between here and the clusters, and what to do',
    async () => (await import('./commands/doctor.ts')).addDoctor,
  ),
  entry(
    'support',
    'a file for whoever helps, without secrets',
    async () => (await import('./commands/support.ts')).addSupport,
  ),
  entry(
    'completion',
    'completion for bash, zsh or fish',
    async () => (await import('./commands/completion.ts')).addCompletion,
  ),
  entry(
    'version',
    'of swell and of the hub',
    async () => (await import('./commands/version.ts')).addVersion,
  ),
]
