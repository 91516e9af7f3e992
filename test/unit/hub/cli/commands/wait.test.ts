import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProgram } from '../../../../../hub/cli/program.ts'
import { createFakeTerminal } from '../../../../support/fake-terminal.ts'

test('whoever waits for a rollout by the name of its application is told how to', async () => {
  const problem = {
    ...{ type: 'about:blank', title: 'Not found', status: 404, detail: 'No rollout shop' },
    ...{ instance: 'urn:uuid:1', code: 'not_found', errors: [] },
  }
  const { terminal, said } = createFakeTerminal({
    fetch: async () => ({
      ...{ ok: false, status: 404, statusText: 'Not Found' },
      body: (async function* () {
        yield Buffer.from(JSON.stringify(problem))
      })(),
      headers: { get: () => null },
    }),
  })
  assert.equal(await runProgram(['wait', 'rollout', 'shop'], terminal), 1)
  assert.match(said.err, /No rollout shop/)
  assert.match(said.err, /`swell wait application shop`/)
})
