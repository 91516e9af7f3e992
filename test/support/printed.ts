import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { cacheDir } from '../../deploy/setup/paths.mjs'
import { type MarkdownBlock, readBlocks } from './markdown.ts'
import { isElsewhere } from './printed-elsewhere.ts'
import { type ServerProcess, startProcess } from './process.ts'

/* What pages print is run as it stands: every `sh` block, command by command, and nothing may be left. */

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The commands of a block of shell: lines, with those that go on, and a loop as one. */
export function splitCommands(block: string): string[] {
  const commands: string[] = []
  let open = ''
  for (const line of block.split('\n')) {
    if (open === '' && /^\s*(#|$)/.test(line)) continue
    open += `${line}\n`
    if (line.endsWith('\\') || (/^(for|if|while) /.test(open) && !/^(done|fi)\b/.test(line)))
      continue
    commands.push(open.trimEnd())
    open = ''
  }
  return open === '' ? commands : [...commands, open.trimEnd()]
}

/** What a page has of shell, block by block. */
export async function readShell(page: string): Promise<{
  readonly blocks: readonly MarkdownBlock[]
  readonly shell: readonly (readonly string[])[]
}> {
  const blocks = readBlocks(await readFile(join(root, page), 'utf8'))
  const shell = blocks.filter(({ language }) => language === 'sh')
  return { blocks, shell: shell.map((block) => splitCommands(block.text)) }
}

export interface Answer {
  readonly code: number | null
  readonly out: string
  /** What it wrote to stderr. */
  readonly said: string
}

export interface PrintedOptions {
  readonly cwd: string
  /** Directories of programs, before those of PATH. */
  readonly bin: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Where those that go on write to; `cwd` when left out. */
  readonly logs?: string
  /** What a page cannot know, such as an address: its words → ours. */
  readonly placeholders?: Readonly<Record<string, string>>
}

export interface RunOptions {
  /** The exit code it has to end with, 0 when left out. */
  readonly code?: number
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Of this command alone. */
  readonly placeholders?: Readonly<Record<string, string>>
}

/** The commands of some pages, each of which has to be run. */
export interface Printed {
  /** Files that a page shows with their names, as it shows them. */
  files(page: string): Record<string, string>
  /** Runs the first command of a page that begins so and was not run yet. @throws AssertionError */
  run(page: string, beginning: string, options?: RunOptions): Promise<Answer>
  /** Runs all commands of a block in one shell. @throws AssertionError unless each goes well */
  block(page: string, at: number, options?: RunOptions): Promise<Answer>
  /** Starts one that goes on. */
  start(page: string, beginning: string, options?: RunOptions): ServerProcess
  /** Adds to the environment of what is run from now on. */
  know(env: Readonly<Record<string, string>>): void
  /** Commands that nobody ran. */
  untried(): string[]
}

/**
 * @param names pages, from the repository's top
 */
export async function openPrinted(
  names: readonly string[],
  { cwd, bin, env, logs = cwd, placeholders = {} }: PrintedOptions,
): Promise<Printed> {
  const pages = new Map<string, Awaited<ReturnType<typeof readShell>>>()
  for (const name of names) pages.set(name, await readShell(name))
  const untried = new Set<string>()
  for (const [page, { shell }] of pages) {
    for (const command of shell.flat()) {
      if (!isElsewhere(page, command)) untried.add(keyOf(page, command))
    }
  }
  let known = env
  const pageOf = (page: string) => pages.get(page) ?? assert.fail(`${page} is not open`)

  function take(page: string, beginning: string): string {
    const all = pageOf(page).shell.flat()
    const fits = all.filter((command) => command.startsWith(beginning))
    const fresh = fits.find((command) => untried.has(keyOf(page, command)))
    const found = fresh ?? fits[0] ?? assert.fail(`${page} prints no \`${beginning}\``)
    untried.delete(keyOf(page, found))
    return found
  }

  function fill(commands: string, more: Readonly<Record<string, string>> = {}): string {
    let filled = commands
    for (const [word, ours] of Object.entries({ ...placeholders, ...more })) {
      filled = filled.replaceAll(word, ours)
    }
    return filled
  }

  const surroundings = (options: RunOptions) => ({
    cwd: options.cwd ?? cwd,
    env: {
      // What V8 made of `swell` is kept between commands.
      NODE_COMPILE_CACHE: join(cacheDir(), 'compiled'),
      HOME: cwd,
      ...known,
      ...options.env,
      PATH: [...bin, process.env['PATH']].join(delimiter),
    },
  })

  async function shell(commands: string, options: RunOptions): Promise<Answer> {
    const filled = fill(commands, options.placeholders)
    const child = spawn('bash', ['-euo', 'pipefail', '-c', filled], {
      ...surroundings(options),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 90_000,
    })
    const closed = once(child, 'close') as Promise<[number | null]>
    const [out, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed])
    assert.equal(code, options.code ?? 0, `${filled}\n${out}\n${said}`)
    return { code, out, said }
  }

  return {
    files(page) {
      const shown = pageOf(page).blocks.filter(({ file }) => file !== null)
      return Object.fromEntries(shown.map(({ file, text }) => [file!, fill(text)]))
    },
    run: (page, beginning, options = {}) => shell(take(page, beginning), options),
    block(page, at, options = {}) {
      const commands = pageOf(page).shell[at] ?? assert.fail(`${page} has no block ${at}`)
      for (const command of commands) untried.delete(keyOf(page, command))
      return shell(commands.join('\n'), options)
    },
    start(page, beginning, options = {}) {
      const command = fill(take(page, beginning), options.placeholders)
      return startProcess('bash', ['-euo', 'pipefail', '-c', command], {
        ...{ name: beginning, logFile: join(logs, `${beginning.replaceAll(/\W+/g, '-')}.log`) },
        ...surroundings(options),
      })
    },
    know(env) {
      known = { ...known, ...env }
    },
    untried: () => [...untried],
  }
}

/** Names a command of a page. */
function keyOf(page: string, command: string): string {
  return `${page}: ${command}`
}
