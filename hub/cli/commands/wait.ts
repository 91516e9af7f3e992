import { type Command, InvalidArgumentError } from 'commander'
import { parseDuration } from '@groundswell/proto/duration.ts'
import type { Client } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine } from '../output.ts'
import { isAway } from '../patience.ts'
import {
  type Verdict,
  type Wanted,
  judge,
  judgeCommit,
  parseWanted,
  waitables,
} from '../waiting.ts'

interface Flags extends ConnectionFlags {
  readonly for?: string
  readonly commit?: string
  readonly timeout: number
}

/** Milliseconds between two looks. */
const interval = 1_000

export function addWait(program: Command, context: CommandContext): void {
  const { terminal, connect } = context
  const states = Object.entries(waitables).map(([kind, all]) => `${kind}: ${all.join(', ')}`)
  withConnection(program.command('wait'))
    .description(
      'until a rollout, an application or a cluster is as wanted; exits with 0 when it is, 1 when it cannot be any more or is not in time, 2 when the hub never answered',
    )
    .argument('<kind>')
    .argument('<name>')
    .option('--for <state>', `${states.join('; ')}; the first when left out`)
    .option(
      '--commit <id>',
      'first, until the application takes this commit into account; its whole id, as of `git rev-parse HEAD`',
      parseCommit,
    )
    .option('--timeout <duration>', 'how long, such as 90s or 1h30m', parseTimeout, 600_000)
    .action(async (kind: string, name: string, flags: Flags) => {
      const wanted = parseWanted(kind, flags.for)
      if (flags.commit !== undefined && wanted.kind !== 'application') {
        throw new CliFailure(2, '--commit is for applications', {
          hint: 'swell wait application NAME --commit ID',
        })
      }
      const client = await connect(flags)
      const deadline = terminal.now() + flags.timeout
      let said = ''
      let verdict: Verdict | undefined
      for (;;) {
        const looked = await look(client, wanted, name, flags.commit, terminal.signal)
        if (looked.state !== 'unknown') verdict = looked
        if (looked.message !== said) terminal.say(`${escapeLine(looked.message)}\n`)
        said = looked.message
        if (looked.state === 'met') {
          return terminal.out(`${escapeLine(`${wanted.kind}/${name} ${wanted.state}`)}\n`)
        }
        if (looked.state === 'never')
          throw new CliFailure(
            1,
            `${name} is not ${wanted.state} and will not be: ${looked.message}`,
          )
        if (terminal.now() >= deadline) {
          throw new CliFailure(verdict ? 1 : 2, `${name} was not ${wanted.state} in time`)
        }
        await terminal.wait(Math.min(interval, deadline - terminal.now()), terminal.signal)
        if (terminal.signal.aborted) return
      }
    })
}

/** A hub that is away, as while it is upgraded, is asked again. */
async function look(
  client: Client,
  wanted: Wanted,
  name: string,
  commit: string | undefined,
  signal: AbortSignal,
): Promise<Verdict | { readonly state: 'unknown'; readonly message: string }> {
  try {
    switch (wanted.kind) {
      case 'rollout':
        return judge(wanted, await client.call('getRollout', { path: { id: name }, signal }))
      case 'application': {
        const path = { name }
        // Before the application: what is said of that is no older then.
        const taken = commit && (await client.call('getCommit', { path: { name, commit }, signal }))
        const notTaken = taken && judgeCommit(taken)
        if (notTaken) return notTaken
        return judge(wanted, await client.call('getApplication', { path, signal }))
      }
      case 'cluster':
        return judge(wanted, await client.call('getCluster', { path: { name }, signal }))
    }
  } catch (cause) {
    if (wanted.kind === 'rollout' && cause instanceof CliFailure && cause.status === 404) {
      throw new CliFailure(1, cause.message, {
        hint: `a rollout is named by its id, which \`swell get rollouts\` has; an application by \`swell wait application ${name}\``,
        status: 404,
        cause,
      })
    }
    if (commit !== undefined && cause instanceof CliFailure && cause.status === 404) {
      return { state: 'notYet', message: `${cause.message}: it may come with commit ${commit}` }
    }
    if (!isAway(cause) || signal.aborted) throw cause
    return { state: 'unknown', message: cause.message }
  }
}

function parseCommit(text: string): string {
  if (!/^[0-9a-f]{40}$/i.test(text)) {
    throw new InvalidArgumentError('it takes the 40 digits of a commit')
  }
  return text.toLowerCase()
}

function parseTimeout(text: string): number {
  try {
    return parseDuration(text)
  } catch (cause) {
    throw new InvalidArgumentError((cause as Error).message)
  }
}
