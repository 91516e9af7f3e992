import type { Argument, Command, Option } from 'commander'

/** What may stand where the cursor is: words that are known, and things whose names the hub knows. */
export interface Completion {
  readonly words: readonly string[]
  readonly names: Nameable | undefined
}

export type Nameable = 'clusters' | 'groups' | 'applications' | 'rollouts' | 'sources'

const kinds = ['clusters', 'groups', 'applications', 'rollouts', 'sources'] as const

/** What an argument or a flag of this name is the name of. */
const named: Readonly<Record<string, Nameable>> = {
  cluster: 'clusters',
  application: 'applications',
  rollout: 'rollouts',
}

/**
 * Completes a command line by the commands themselves.
 *
 * @param words those after `swell`; the last is the one that is being written, maybe empty
 */
export function complete(program: Command, words: readonly string[]): Completion {
  let command = program
  const given: string[] = []
  let flag: Option | undefined
  for (const word of words.slice(0, -1)) {
    if (flag) {
      flag = undefined
    } else if (word.startsWith('-')) {
      flag = findFlag(command, word)
    } else {
      const below = given.length === 0 ? findCommand(command, word) : undefined
      if (below) command = below
      else given.push(word)
    }
  }
  const last = words.at(-1) ?? ''
  const from = (all: readonly string[], names?: Nameable): Completion => ({
    words: all.filter((word) => word.startsWith(last)),
    names,
  })
  if (flag) return from(flag.argChoices ?? [], named[flag.name()])
  if (last.startsWith('-')) return from([...listFlags(command), '--help'])
  const argument = command.registeredArguments[given.length]
  if (!argument) {
    return from(given.length === 0 ? command.commands.map((below) => below.name()) : [])
  }
  return from(argument.argChoices ?? wordsOf(argument), namesOf(command, argument, given))
}

function findCommand(command: Command, word: string): Command | undefined {
  return command.commands.find((below) => below.name() === word)
}

/** The flag a word is, where a value follows it. */
function findFlag(command: Command, word: string): Option | undefined {
  if (word.includes('=')) return undefined
  const option = command.options.find(({ long, short }) => long === word || short === word)
  return option && (option.required || option.optional) ? option : undefined
}

function listFlags(command: Command): string[] {
  return command.options.flatMap(({ long, hidden }) => (hidden || !long ? [] : [long]))
}

function wordsOf(argument: Argument): readonly string[] {
  return argument.name() === 'kind' ? kinds : []
}

/** `get KIND NAME` is told by its kind; under `cluster` and `agent`, a name is a cluster's. */
function namesOf(
  command: Command,
  argument: Argument,
  given: readonly string[],
): Nameable | undefined {
  const name = argument.name()
  if (name !== 'name') return named[name]
  const [kind] = given
  if (kind !== undefined) return kinds.find((one) => one === kind || one === `${kind}s`)
  const above = command.parent?.name()
  return above === 'cluster' || above === 'agent' ? 'clusters' : undefined
}

const shells = {
  // What `swell` prints is a word a line; nothing of it is run or expanded.
  bash: `_swell() {
  local IFS=$'\\n'
  COMPREPLY=($(swell completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _swell swell
`,
  zsh: `#compdef swell
_swell() {
  local -a found
  found=("\${(@f)$(swell completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  (( \${#found} )) && compadd -- "\${found[@]}" || _files
}
compdef _swell swell
`,
  fish: `function __swell_words
  set -l before (commandline -opc)
  swell completion words -- $before[2..-1] (commandline -ct) 2>/dev/null
end
complete -c swell -a '(__swell_words)'
`,
} as const

export const shellNames = Object.keys(shells) as (keyof typeof shells)[]

/** What a shell reads to complete `swell`: it asks `swell` itself, so that it never is of another version. */
export function formatCompletion(shell: keyof typeof shells): string {
  return shells[shell]
}
