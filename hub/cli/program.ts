import { Command, CommanderError } from 'commander'
import hub from '../package.json' with { type: 'json' }
import { commands } from './commands.ts'
import { type CommandContext, createContext } from './context.ts'
import { CliFailure, type ExitCode } from './failure.ts'
import { escapeLine, escapeLines } from './output.ts'
import type { Terminal } from './terminal.ts'

const exitCodes = `
Exits with 0 when all went well, 1 when the answer is no (the hub refused, or what was asked for is not
so), 2 when it could not be asked, 130 at Ctrl-C. Data goes to stdout, progress and errors to stderr.
NO_COLOR=1 keeps colour out.`

/** Runs one command line (without `node` and `swell`). Never throws for what a user can cause. */
export async function runProgram(given: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const words = putConnectionBehind(given)
  const context = createContext(terminal)
  const program = createBase(terminal)
    .description('Work with a Groundswell hub')
    .version(hub.version)
    .addHelpText('after', exitCodes)
  try {
    await addCommands(program, context, askedOf(words))
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

function createBase({ out, say }: Terminal): Command {
  return new Command('swell')
    .showHelpAfterError('(see --help)')
    .configureOutput({ writeOut: out, writeErr: say })
    .exitOverride()
}

/** `swell --context prod get clusters`, as people write it for kubectl: where to ask may stand before what. */
function putConnectionBehind(words: readonly string[]): readonly string[] {
  let at = 0
  for (;;) {
    const found = /^--(?:server|token-file|context)(=|$)/.exec(words[at] ?? '')
    if (!found) break
    at += found[1] === '=' ? 1 : 2
  }
  return at < words.length ? [...words.slice(at), ...words.slice(0, at)] : words
}

/** The command that is asked for, or asked about by `help`. */
function askedOf(words: readonly string[]): string | undefined {
  const [first, second] = words.filter((word) => !word.startsWith('-'))
  return first === 'help' ? second : first
}

/** The one with all it can do, the others with what help says of them: to load them takes its time. */
export async function addCommands(
  program: Command,
  context: CommandContext,
  asked: string | undefined,
): Promise<void> {
  const aside = createBase(context.terminal)
  const found = commands.find(({ name }) => name === asked)
  if (found) (await found.load())(aside, context)
  for (const { name, summary } of commands) {
    const loaded = aside.commands.find((command) => command.name() === name)
    if (loaded) program.addCommand(loaded.summary(summary))
    else program.command(name).description(summary)
  }
}
