import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { isExecutable, schemathesisPython } from '../../deploy/setup/paths.mjs'
import { setUpSchemathesis } from '../../deploy/setup/schemathesis.mjs'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { createTempDir } from '../support/temp-dir.ts'

/** Of each operation, in one run; `SCHEMATHESIS_EXAMPLES=200` looks longer. */
const examples = Number(process.env['SCHEMATHESIS_EXAMPLES'] ?? 5)
/** A machine that others use may be this slow. */
const seconds = 60 + examples
const seed = Number(process.env['SCHEMATHESIS_SEED'] ?? 1)

/** Each promise of the document that a machine can hold an answer to. */
const checks = [
  ...['not_a_server_error', 'status_code_conformance', 'content_type_conformance'],
  ...['response_headers_conformance', 'response_schema_conformance'],
].join()

await setUpSchemathesis()
const python = schemathesisPython()

describe(
  'B82: a running hub, asked by schemathesis',
  { skip: !isExecutable(python) && 'schemathesis is not installed' },
  () => {
    let world: Awaited<ReturnType<typeof createSurroundings>>
    let hub: HubProcess
    let agent: MemoryAgent
    before(async () => {
      world = await createSurroundings()
      await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'text') })
      hub = await world.start()
      await untilReady(hub)
      agent = await startMemoryAgent(hub, 'a')
      await waitForRollout(hub.api, 'web', 'Succeeded')
    })
    after(async () => {
      await agent?.[Symbol.asyncDispose]()
      await world?.[Symbol.asyncDispose]()
    })

    async function tryWith(token: string | null): Promise<void> {
      await using directory = await createTempDir('schemathesis')
      const said = await run(directory.path, [
        ...['run', `${hub.url}/openapi.json`, '--no-color', '--seed', String(seed)],
        ...['--checks', checks, '--phases', 'fuzzing', '--max-time', String(seconds)],
        ...['--max-examples', String(examples)],
        // An endless answer would never be whole; plain text and logins are no JSON to be held to a schema.
        ...['--exclude-operation-id', 'streamEvents', '--request-timeout', '20'],
        ...['--rate-limit', '90/s', '--report-dir', directory.path, '--warnings', 'off'],
        ...['--generation-database', 'none', '--workers', '1', '--no-shrink'],
        ...(token === null ? [] : ['--header', `Authorization: Bearer ${token}`]),
      ])
      assert.equal(said.code, 0, said.words)
      assert.match(said.words, /Tested: [1-9]/, said.words)
      assert.match(said.words, /No issues found/, said.words)
      assert.equal(hub.process().running, true, hub.process().readLog())
    }

    it('answers nobody but as documented, and never by a failure', () => tryWith(null))

    it('answers who may look but not touch', async () => {
      const body = { name: 'looker', role: 'viewer' }
      const { token } = await hub.api.post<{ token: string }>('tokens', body)
      await tryWith(token)
    })

    it('answers who may do anything', async () => tryWith(await hub.token()))
  },
)

function run(cwd: string, args: readonly string[]): Promise<{ code: number; words: string }> {
  const program = 'from schemathesis.cli import schemathesis; schemathesis()'
  return new Promise((resolve) => {
    execFile(
      python,
      ['-c', program, ...args],
      { cwd, timeout: (seconds + 120) * 1_000, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0
        resolve({ code, words: `${stdout}\n${stderr}`.slice(-20_000) })
      },
    )
  })
}
