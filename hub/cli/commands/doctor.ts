import type { Command } from 'commander'
import hub from '../../package.json' with { type: 'json' }
import type { HealthView } from '../../client/gen/api.ts'
import { readText } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { type DataFormat, isData, printData, outputOption } from '../data-output.ts'
import {
  type Finding,
  judgeAgents,
  judgeAuthorities,
  judgeCaller,
  judgeClock,
  judgeFleet,
  judgeHealth,
  judgeRoot,
  judgeSources,
  judgeVersion,
} from '../diagnosis.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine, formatTable } from '../output.ts'

interface Flags extends ConnectionFlags {
  readonly output: 'text' | DataFormat
  readonly strict?: true
}

/** Longest for one question, in milliseconds. */
const patience = 15_000

export function addDoctor(program: Command, context: CommandContext): void {
  const { terminal, connect } = context
  withConnection(program.command('doctor'))
    .description(
      'looks at the hub, its Redis and Git, agents, clocks, certificates and your token, and says what to do; exits with 0 when nothing fails, 1 when something does, 2 when the hub cannot be reached',
    )
    .option('--strict', 'warnings count as failures')
    .addOption(outputOption('text'))
    .action(async (flags: Flags) => {
      const client = await connect(flags)
      const asking = () => ({
        signal: AbortSignal.any([terminal.signal, AbortSignal.timeout(patience)]),
      })
      await client.call('getLiveness', asking())
      const { health, ahead } = await readHealth(client.server, asking().signal)
      const findings: Finding[] = [
        { check: 'hub', state: 'OK', message: `answers at ${client.server}`, advice: '' },
        judgeClock(ahead),
        ...(health ? judgeHealth(health) : []),
      ]
      const look = async (check: string, work: () => Promise<Finding | Finding[]>) => {
        try {
          findings.push(...[await work()].flat())
        } catch (cause) {
          if (!(cause instanceof CliFailure) || terminal.signal.aborted) throw cause
          findings.push(toFinding(check, cause))
        }
      }
      await look('version', async () =>
        judgeVersion(hub.version, (await client.call('getVersion', asking())).version),
      )
      await look('token', async () =>
        judgeCaller(await client.call('getCaller', asking()), terminal.now()),
      )
      await look('sources', async () => judgeSources(await client.list('listSources', asking())))
      await look('configuration', async () => judgeFleet(await client.call('getFleet', asking())))
      await look('agents', async () => judgeAgents(await client.call('getSummary', asking())))
      await look('authorities', async () =>
        judgeAuthorities((await client.call('listAuthorities', asking())).items),
      )
      await look('root statement', async () =>
        judgeRoot(await client.call('getTrust', asking()), terminal.now()),
      )
      await print(findings, flags)
    })

  /**
   * A hub that is not well says so with 503, and what is not well. Its clock is told by the date of the
   * answer, which is cut to a second; so half of one is added.
   */
  async function readHealth(
    server: string,
    signal: AbortSignal,
  ): Promise<{ readonly health: HealthView | undefined; readonly ahead: number | undefined }> {
    const before = terminal.now()
    try {
      const address = new URL(`${server}/healthz`)
      const response = await terminal.fetch(address, { signal })
      const date = Date.parse(response.headers.get('date') ?? '')
      const ahead = Number.isNaN(date) ? undefined : date + 500 - (before + terminal.now()) / 2
      const value: unknown = JSON.parse(await readText(response))
      const { listFaults } = await import('../answer-schemas.ts')
      const known = listFaults('HealthView', value).length === 0
      return { health: known ? (value as HealthView) : undefined, ahead }
    } catch {
      // The hub answered a moment ago; what else is wrong the other checks tell.
      return { health: undefined, ahead: undefined }
    }
  }

  async function print(findings: readonly Finding[], { output, strict }: Flags): Promise<void> {
    const bad = findings.some(({ state }) => state === 'FAIL' || (strict && state === 'WARN'))
    if (bad) context.exitCode = 1
    if (isData(output)) return printData(terminal, output, { findings })
    const rows = findings.map(({ state, check, message }) => [state, check, message])
    terminal.out(formatTable([['STATE', 'CHECK', 'FOUND'], ...rows]))
    for (const { check, advice } of findings) {
      if (advice) terminal.out(escapeLine(`→ ${check}: ${advice}`) + '\n')
    }
  }
}

/** Not to be allowed to see something says nothing about how it is. */
function toFinding(check: string, { status, message, hint }: CliFailure): Finding {
  const unseen = status === 403 || status === 404 || (status === 401 && check !== 'token')
  // The hint of one that is not ready is to ask here.
  const advice = status === 503 ? 'mend what else is told here, or ask again in a minute' : hint
  return { check, state: unseen ? 'SKIP' : 'FAIL', message, advice: unseen ? '' : advice }
}
