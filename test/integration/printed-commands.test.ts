import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'node:test'
import { readSettings } from '@groundswell/proto/settings.ts'
import { Command } from 'commander'
import * as agent from '../../agent/config.ts'
import { commands } from '../../hub/cli/commands.ts'
import { createContext } from '../../hub/cli/context.ts'
import { addCommands } from '../../hub/cli/program.ts'
import * as hub from '../../hub/settings-table.ts'
import { elsewhere, isElsewhere, runBy } from '../support/printed-elsewhere.ts'
import { readShell } from '../support/printed.ts'
import { createFakeTerminal } from '../support/fake-terminal.ts'

/*
 * Each command that README and the pages of deploy/docs print in an `sh` block is run by a test of test/e2e, or is on a short
 * list with its reason; here it is seen that none is left out. It is also read by the real parser, so that a flag
 * that is gone fails at once. What stands within sentences has to name commands that are there, and `npm run` a script.
 */

const root = new URL('../../', import.meta.url)
const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'deploy/example/README.md'],
  ...globSync('deploy/docs/*.md', { cwd: fileURLToPath(root) }).filter(
    (page) => !page.endsWith('reference.md'),
  ),
]

const read = (path: string): Promise<string> => readFile(fileURLToPath(new URL(path, root)), 'utf8')

/** Command lines of a shell's text: comments, what is piped and where it goes are cut off. */
function listLines(text: string): string[] {
  return text
    .replaceAll(/\\\n\s*/g, ' ')
    .split(/\n|;|&&|\|/)
    .map((line) =>
      line
        .replace(/(^|\s)#.*$/, '')
        .replace(/\s>.*$/, '')
        .trim(),
    )
    .map((line) =>
      line
        .replace(/^(\w+=)?"?\$\(/, '')
        .replace(/\)"?$/, '')
        .trim(),
    )
}

/** Words as a shell makes them; no page prints more than plain quotes. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '')
}

async function parse(words: readonly string[]): Promise<void> {
  const { terminal } = createFakeTerminal()
  const program = new Command('swell').exitOverride()
  await addCommands(program, createContext(terminal), words[0])
  const calm = (command: Command): void => {
    for (const below of command.commands) calm(below)
    if (command.commands.length === 0) command.action(() => {})
  }
  calm(program)
  await program.parseAsync(words, { from: 'user' }).catch((cause: Error) => {
    // A command that has others below it as well, such as `fleet`: its words were read, and it began.
    if (cause.message.endsWith('not in this test')) return
    throw new Error(`swell ${words.join(' ')}: ${cause.message}`, { cause })
  })
}

/** What starts a hub or an agent: its flags are read as they would be. */
const programs = { 'npm start -- ': hub, 'npm run agent -- ': agent } as const

/** README and every page of deploy/docs. */
const printing = [
  ...['README.md', 'deploy/example/README.md', 'deploy/example-greeter/README.md'],
  ...globSync('deploy/docs/**/*.md', { cwd: fileURLToPath(root) }),
]

describe('commands that pages print', () => {
  it('are run by a test, each of them, or are on the list with a reason', async () => {
    let count = 0
    for (const page of printing) {
      const commands = (await readShell(page)).shell.flat()
      count += commands.length
      const left = commands.filter((command) => !isElsewhere(page, command))
      const test = runBy[page]
      if (left.length === 0) continue
      assert.ok(test !== undefined, `${page}: nothing runs ${left[0]}`)
      const source = await read(test)
      assert.ok(source.includes(page.split('/').at(-1)!.replace('.md', '')), `${test}: ${page}`)
      assert.match(source, /untried/, `${test} does not say what it left out`)
    }
    assert.ok(count > 100, `${count} commands`)
    for (const page of Object.keys(runBy)) assert.ok(printing.includes(page), page)
  })

  it('are run elsewhere only where they cannot be run, and something stands for them', async () => {
    assert.ok(elsewhere.length < 6)
    for (const { page, command, instead } of elsewhere) {
      const commands = (await readShell(page)).shell.flat()
      assert.ok(
        commands.some((one) => one.startsWith(command)),
        `${page}: ${command}`,
      )
      await read(instead)
    }
  })

  it('are read so that a flag that is not there is told', async () => {
    await parse(['get', 'clusters', '-o', 'json'])
    await assert.rejects(parse(['get', 'clusters', '--nope']), /unknown option '--nope'/)
    await assert.rejects(parse(['rollout', 'nope', 'x']), /unknown command|too many arguments/)
    await assert.rejects(parse(['nope']), /unknown command/)
  })

  for (const page of pages) {
    it(`of ${page} are read by the parser`, async (t) => {
      const text = await read(page)
      const blocks = [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block]) => block!)
      const lines = blocks.flatMap(listLines).flatMap((line) => {
        return /^(npx )?swell /.test(line) ? [line.replace(/^(npx )?swell /, '')] : []
      })
      for (const line of lines) await parse(splitWords(line))
      for (const [start, { settingsTable, environmentPrefix: prefix }] of Object.entries(
        programs,
      )) {
        for (const line of blocks.flatMap(listLines).filter((one) => one.startsWith(start))) {
          const argv = splitWords(line.slice(start.length))
          readSettings(settingsTable, { argv, env: {}, prefix, file: {} })
        }
      }
      t.diagnostic(`${lines.length} lines of swell`)
      assert.equal(lines.length > 0, /^(npx )?swell /m.test(blocks.join('\n')))
    })

    it(`of ${page} are there, also within sentences`, async () => {
      const text = await read(page)
      const program = new Command('swell')
      const { terminal } = createFakeTerminal()
      for (const entry of commands) {
        if (program.commands.some((one) => one.name() === entry.name)) continue
        ;(await entry.load())(program, createContext(terminal))
      }
      for (const [span, words] of text.matchAll(/`(?:npx )?swell ([a-z][^`\n]*)`/g)) {
        let at = program
        for (const word of words!.split(' ')) {
          if (at.commands.length === 0) break
          // `approve\|pause` in a table: each of them.
          const named = word.split(String.raw`\|`)
          const found = named.map((name) => at.commands.find((one) => one.name() === name))
          if (at !== program && /^(-|[A-Z])/.test(word)) break
          assert.ok(found.every(Boolean), span)
          at = found[0]!
        }
      }
      const { scripts } = JSON.parse(await read('package.json')) as { scripts: object }
      for (const [, script] of text.matchAll(/npm run ([a-z:]+)/g)) {
        assert.ok(Object.hasOwn(scripts, script!), `npm run ${script}`)
      }
    })
  }
})
