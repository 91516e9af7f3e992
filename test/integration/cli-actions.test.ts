import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Operations that are for other programs than `swell`, and which. */
const others: Readonly<Record<string, string>> = {
  startLogin: 'a browser; `swell login` asks the identity provider itself',
  finishLogin: 'a browser',
  logOut: 'a browser; `swell logout` gives its own token back',
  getMatrix: 'the dashboard’s fleet page, in letters',
  getMetrics: 'Prometheus',
  receiveWebhook: 'Git hosts',
}

async function readAll(pattern: string): Promise<string> {
  const paths = globSync(pattern, { cwd: root })
  return (await Promise.all(paths.map((path) => readFile(join(root, path), 'utf8')))).join('\n')
}

test('every action of the API has a command, or is for another program', async () => {
  const routes = await readAll('hub/api/**/*.ts')
  const operations = new Set([...routes.matchAll(/operationId: '(\w+)'/g)].map(([, id]) => id!))
  assert.ok(operations.size > 50, `${operations.size} operations`)
  const called = await readAll('hub/cli/**/*.ts')
  const missing = [...operations].filter((id) => !new RegExp(`'${id}'`).test(called))
  assert.deepEqual(missing.sort(), Object.keys(others).sort())
})
