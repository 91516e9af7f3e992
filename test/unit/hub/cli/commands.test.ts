import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { commands } from '../../../../hub/cli/commands.ts'
import { complete } from '../../../../hub/cli/completion.ts'
import { createContext } from '../../../../hub/cli/context.ts'
import { addCommands, runProgram } from '../../../../hub/cli/program.ts'
import { createFakeTerminal } from '../../../support/fake-terminal.ts'

describe('the table of commands', () => {
  for (const entry of commands) {
    it(`loads ${entry.name} under its own name, with words for its help`, async () => {
      const program = new Command('swell')
      ;(await entry.load())(program, createContext(createFakeTerminal().terminal))
      const found = program.commands.find((command) => command.name() === entry.name)
      assert.ok(found?.description(), entry.name)
    })
  }

  it('names each command once, and loads none that it does not name', async () => {
    const named = commands.map(({ name }) => name)
    assert.deepEqual(named, [...new Set(named)])
    for (const entry of commands) {
      const program = new Command('swell')
      ;(await entry.load())(program, createContext(createFakeTerminal().terminal))
      for (const command of program.commands) assert.ok(named.includes(command.name()))
    }
  })

  it('is what --help lists, with the exit codes; and `help NAME` is of the whole command', async () => {
    const { terminal, said } = createFakeTerminal()
    assert.equal(await runProgram(['--help'], terminal), 0)
    for (const { name, summary } of commands) {
      assert.ok(said.out.includes(` ${name} `), name)
      assert.ok(said.out.replaceAll(/\s+/g, ' ').includes(summary), summary)
    }
    assert.match(said.out, /Exits with 0/)
    said.out = ''
    assert.equal(await runProgram(['help', 'get'], terminal), 0)
    assert.match(said.out, /^Usage: swell get \[options\] <kind> \[name\]/)
    assert.match(said.out, /--selector/)
  })
})

describe('completion', () => {
  async function completed(...words: string[]) {
    const program = new Command('swell')
    await addCommands(program, createContext(createFakeTerminal().terminal), words[0])
    const { words: known, names } = complete(program, words)
    return [...known, ...(names ? [`<${names}>`] : [])]
  }

  for (const [words, wanted] of [
    [['ro'], ['rollout']],
    [
      ['rollout', 'p'],
      ['plan', 'preview', 'promote', 'pause'],
    ],
    [['get', 'cl'], ['clusters']],
    [['get', 'clusters', ''], ['<clusters>']],
    [['get', 'cluster', ''], ['<clusters>']],
    [['describe', 'application', 'sh'], ['<applications>']],
    [['get', 'clusters', '-o', 'j'], ['json']],
    [['get', 'rollouts', '--application', ''], ['<applications>']],
    [['get', '-o', 'json', 'gro'], ['groups']],
    [
      ['get', '--s'],
      ['--selector', '--sort', '--server'],
    ],
    [['rollout', 'approve', ''], ['<rollouts>']],
    [['rollout', 'skip', 'r-1', ''], ['<clusters>']],
    [['cluster', 'token', ''], ['<clusters>']],
    [['trace', ''], ['<clusters>']],
    [['tree', 'shop', '--cluster', ''], ['<clusters>']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['nope', ''], []],
  ] as const) {
    it(`of: swell ${words.join(' ')}`, async () => {
      const found = await completed(...words)
      const hidden = new Set(['words'])
      assert.deepEqual(found.filter((word) => !hidden.has(word)).toSorted(), [...wanted].toSorted())
    })
  }
})
