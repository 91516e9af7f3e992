import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProgram } from '../../../../hub/cli/program.ts'
import { createFakeTerminal } from '../../../support/fake-terminal.ts'

async function ask(words: string) {
  const asked: string[] = []
  const { terminal, said } = createFakeTerminal({
    fetch: async (address) => {
      asked.push(new URL(String(address)).host)
      throw new TypeError('away')
    },
  })
  const code = await runProgram(words.split(' '), terminal)
  return { code, hosts: [...new Set(asked)], err: said.err }
}

test('where to ask may stand before what to ask, as people write it for kubectl', async () => {
  for (const words of [
    '--server https://a.example get clusters',
    '--server=https://a.example get clusters -o name',
    '--token-file=/none --server https://a.example get clusters --token-file /none',
    'get clusters --server https://a.example',
  ]) {
    const { hosts, code, err } = await ask(words)
    if (words.includes('token-file')) assert.match(err, /\/none/, words)
    else assert.deepEqual(hosts, ['a.example'], words)
    assert.equal(code, 2, words)
  }
  assert.match((await ask('--context nope get clusters')).err, /no context nope/)
})

test('what stands before and is no more than that is still no command', async () => {
  assert.match((await ask('--context')).err, /unknown option '--context'/)
  assert.match((await ask('--nope get clusters')).err, /unknown option '--nope'/)
})
