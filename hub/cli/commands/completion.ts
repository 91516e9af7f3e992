import { Argument, Command } from 'commander'
import { complete, formatCompletion, type Nameable, shellNames } from '../completion.ts'
import type { CommandContext } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { parseResource } from '../resources.ts'

/** Milliseconds; who presses Tab does not wait longer. */
const patience = 2_000

/** A name that a shell takes for one word, whatever it is. */
const plain = /^[A-Za-z0-9][-A-Za-z0-9._]*$/

export function addCompletion(program: Command, context: CommandContext): void {
  const { terminal } = context
  const completion = program
    .command('completion')
    .description('completion for a shell: `source <(swell completion bash)`')
  for (const shell of shellNames) {
    completion
      .command(shell)
      .description(`what ${shell} reads`)
      .action(() => terminal.out(formatCompletion(shell)))
  }
  completion
    .command('words', { hidden: true })
    .description('what may stand at the end of a command line, a line each')
    .addArgument(new Argument('[words...]'))
    .action(async (words: readonly string[]) => {
      const { addCommands } = await import('../program.ts')
      const all = new Command('swell')
      await addCommands(all, context, words[0])
      const { words: known, names } = complete(all, words)
      const last = words.at(-1) ?? ''
      const found = names === undefined ? [] : await listNames(context, names)
      const fitting = found.filter((name) => name.startsWith(last) && plain.test(name))
      for (const word of new Set([...known, ...fitting])) terminal.out(`${word}\n`)
    })
}

/** Names the hub knows; none where there is no hub: completion never fails. */
async function listNames({ terminal, connect }: CommandContext, of: Nameable): Promise<string[]> {
  const signal = AbortSignal.any([terminal.signal, AbortSignal.timeout(patience)])
  try {
    const shown = await parseResource(of).list(await connect({}), {}, signal)
    return shown.map(({ name }) => name)
  } catch (cause) {
    if (cause instanceof CliFailure) return []
    throw cause
  }
}
