import { Command, CommanderError } from 'commander'
import { addAgent } from './commands/agent.ts'
import { addAudit } from './commands/audit.ts'
import { addCheck } from './commands/check.ts'
import { addCluster } from './commands/cluster.ts'
import { addDescribe } from './commands/describe.ts'
import { addDiff } from './commands/diff.ts'
import { addDrift } from './commands/drift.ts'
import { addEvents } from './commands/events.ts'
import { addFleet } from './commands/fleet.ts'
import { addGet } from './commands/get.ts'
import { addHold } from './commands/hold.ts'
import { addLogin } from './commands/login.ts'
import { addRender } from './commands/render.ts'
import { addMigrate } from './commands/migrate.ts'
import { addRollout } from './commands/rollout.ts'
import { addSchema } from './commands/schema.ts'
import { addSupport } from './commands/support.ts'
import { addToken } from './commands/token.ts'
import { addTrust } from './commands/trust.ts'
import { addVersion } from './commands/version.ts'
import { addWhoami } from './commands/whoami.ts'
import { createContext } from './context.ts'
import { CliFailure, type ExitCode } from './failure.ts'
import { escapeLine, escapeLines } from './output.ts'
import type { Terminal } from './terminal.ts'

/** Runs one command line (without `node` and `swell`). Never throws for what a user can cause. */
export async function runProgram(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const context = createContext(terminal)
  const program = new Command('swell')
    .description('Work with a Groundswell hub')
    .showHelpAfterError('(see --help)')
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.say })
    .exitOverride()
  addGet(program, context)
  addDescribe(program, context)
  addRollout(program, context)
  addCluster(program, context)
  addAgent(program, context)
  addCheck(program, context)
  addRender(program, context)
  addDiff(program, context)
  addDrift(program, context)
  addEvents(program, context)
  addFleet(program, context)
  addHold(program, context)
  addLogin(program, context)
  addSchema(program, context)
  addSupport(program, context)
  addMigrate(program, context)
  addAudit(program, context)
  addToken(program, context)
  addTrust(program, context)
  addVersion(program, context)
  addWhoami(program, context)
  try {
    await program.parseAsync(words, { from: 'user' })
    return context.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (terminal.signal.aborted) return 2
    if (!(error instanceof CliFailure)) {
      terminal.say('swell: this is a fault of swell itself; please report it\n')
      terminal.say(escapeLines(`${error instanceof Error ? error.stack : String(error)}\n`))
      return 2
    }
    terminal.say(`swell: ${escapeLine(error.message)}\n`)
    for (const line of error.lines) terminal.say(`  ${escapeLine(line)}\n`)
    if (error.hint) terminal.say(`  → ${escapeLine(error.hint)}\n`)
    return error.exitCode
  }
}
