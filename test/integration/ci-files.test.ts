import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseDocument } from 'yaml'
import { createFleetCheckout } from '../support/fleet-checkout.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { forgeProject, forgeToken, startForgeServer } from '../support/forge-server.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* The pipelines that deploy/ci offers: what they run is there, and does what they say. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = /node \.groundswell\/program\/deploy\/setup\/run\.mjs (\S+) ([^\n|>]*)/g

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly if?: string
}

async function read(name: string): Promise<{ text: string; value: Record<string, unknown> }> {
  const text = await readFile(`${root}deploy/ci/${name}`, 'utf8')
  const document = parseDocument(text, { strict: true, uniqueKeys: true })
  assert.deepEqual([...document.errors, ...document.warnings], [])
  return { text, value: document.toJS() as Record<string, unknown> }
}

for (const name of ['github-actions.yaml', 'gitlab-ci.yaml']) {
  describe(`deploy/ci/${name}`, () => {
    it('runs commands that are there, with flags that they know', async () => {
      const { text } = await read(name)
      const commands = [...text.matchAll(program)]
      assert.ok(commands.length >= 2)
      for (const [, entry, words] of commands) {
        const [command, ...rest] = words!.trim().split(/\s+/)
        const { stdout } = await promisify(execFile)(process.execPath, [
          root + entry,
          command!,
          '--help',
        ])
        for (const flag of rest.filter((word) => word.startsWith('-'))) {
          assert.match(stdout, new RegExp(`(^|[ ,])${flag}\\b`, 'm'), `${command} ${flag}`)
        }
        const starter = await readFile(`${root}deploy/setup/run.mjs`, 'utf8')
        assert.ok(starter.includes(`'${entry}': [`), `run.mjs starts ${entry}`)
      }
    })
  })
}

describe('the workflow for GitHub', () => {
  it('asks for no more rights than it needs, and lets no name of a branch be a command', async () => {
    const { value } = await read('github-actions.yaml')
    assert.deepEqual(value['permissions'], {
      contents: 'read',
      'pull-requests': 'write',
      statuses: 'write',
      'security-events': 'write',
    })
    const { check } = value['jobs'] as { check: { steps: Step[] } }
    const runs = check.steps.flatMap(({ run }) => run ?? [])
    for (const run of runs) assert.doesNotMatch(run, /\$\{\{/)
    const uses = check.steps.flatMap(({ uses }) => uses ?? [])
    for (const action of uses) assert.match(action, /^[\w-]+\/[\w/-]+@v\d+$/)
    assert.deepEqual(Object.keys(value['on'] as object), ['pull_request'])
  })

  it('answers on the pull request what it says it does', async () => {
    const { value } = await read('github-actions.yaml')
    const { check } = value['jobs'] as { check: { steps: Step[] } }
    const { run } = check.steps.at(-1)!
    const [[, , words]] = [...run!.matchAll(program)] as [RegExpExecArray]
    const { path } = await createTempDir('ci-files')
    const files = { ...clusterFiles, ...strategyFile('1s'), ...applicationFiles('shop', 'hello') }
    const checkout = await createFleetCheckout(path, files)
    await checkout.git('update-ref', 'refs/remotes/origin/main', 'HEAD')
    await checkout.write({ 'apps/shop/settings.yaml': configMap('settings', 'jello') })
    const commit = await checkout.commit()
    const event = { pull_request: { number: 3, head: { sha: commit } } }
    await checkout.write({ '../event.json': JSON.stringify(event) })
    await using server = await startForgeServer('github')
    const filled = words!
      .replace('"$FLEET_PATH"', '.')
      .replace('"$BASE"', 'origin/main')
      .trim()
      .split(/\s+/)
    const { code, said } = await checkout.swell(filled, {
      ...{ GITHUB_ACTIONS: 'true', GITHUB_API_URL: server.api, GITHUB_REPOSITORY: forgeProject },
      ...{ GITHUB_SHA: 'f'.repeat(40), GITHUB_EVENT_PATH: `${path}/event.json` },
      SWELL_FORGE_TOKEN: forgeToken,
    })
    assert.equal(code, 0, said)
    assert.deepEqual(
      server.statuses.map((status) => [status.commit, status.state]),
      [[commit, 'success']],
    )
    assert.match(server.comments.get(3)![0]!.body, /\+  text: jello/)
  })
})
