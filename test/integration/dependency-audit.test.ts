import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { createTempDir } from '../support/temp-dir.ts'

/* The step that keeps dependencies with known advisories out, with the real npm: what it asks, and
   what the step makes of each answer. The registry is one that the test can make say anything. */

const program = fileURLToPath(new URL('../audit.ts', import.meta.url))
const lockFile = new URL('../../package-lock.json', import.meta.url)

interface LockFile {
  readonly packages: Readonly<
    Record<string, { version?: string; link?: boolean; optional?: boolean; name?: string }>
  >
}

const advisory = (severity: string) => ({
  ...{ id: 1_000_001, url: 'https://example.com/GHSA-x', title: 'made up', severity },
  ...{ vulnerable_versions: '>=0.0.0', cwe: [], cvss: { score: 8, vectorString: null } },
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void
const say =
  (status: number, body: unknown): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

async function audit(answer: Answer, env: NodeJS.ProcessEnv = {}) {
  const asked: string[] = []
  const named = new Set<string>()
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    asked.push(`${request.method} ${request.url}`)
    const body = await buffer(request)
    if (request.method !== 'POST') {
      say(404, {})(request, response)
      return
    }
    const names = JSON.parse(gunzipSync(body).toString()) as Record<string, readonly string[]>
    for (const name of Object.keys(names)) named.add(name)
    answer(request, response)
  }
  const registry = createServer((request, response) => void take(request, response))
  await new Promise<void>((resolve) => {
    registry.listen(0, '127.0.0.1', resolve)
  })
  const { port } = registry.address() as AddressInfo
  // npm remembers what it was told of an advisory.
  await using cache = await createTempDir('audit')
  const child = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      GROUNDSWELL_AUDIT: undefined,
      npm_config_registry: `http://127.0.0.1:${port}/`,
      npm_config_fetch_retries: '0',
      npm_config_cache: cache.path,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  registry.close()
  registry.closeAllConnections()
  return { code, printed, asked, named }
}

describe('the audit of dependencies', { concurrency: 2 }, () => {
  it('asks the registry of every package of the lock file, and passes what it knows nothing of', async () => {
    const { code, printed, asked, named } = await audit(say(200, {}))
    assert.deepEqual([code, printed], [0, ''])
    assert.deepEqual(asked, ['POST /-/npm/v1/security/advisories/bulk'])
    const { packages } = JSON.parse(readFileSync(lockFile, 'utf8')) as LockFile
    const locked = Object.entries(packages).flatMap(([path, { version, link, optional, name }]) =>
      !path.includes('node_modules/') || link || optional || !version
        ? []
        : (name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)),
    )
    assert.ok(locked.length > 200, `${locked.length} packages`)
    assert.deepEqual(
      locked.filter((name) => !named.has(name)),
      [],
    )
  })

  for (const severity of ['high', 'critical']) {
    it(`fails for one advisory of level ${severity}, and names the package`, async () => {
      const { code, printed } = await audit(say(200, { jose: [advisory(severity)] }))
      assert.equal(code, 1)
      assert.match(printed, new RegExp(`jose .*${severity}`))
    })
  }

  it('passes one of a lower level', async () => {
    const { code, printed } = await audit(say(200, { jose: [advisory('moderate')] }))
    assert.deepEqual([code, printed], [0, ''])
  })

  it('takes a registry that refuses to be asked for no answer, says so, and fails where an answer is required', async () => {
    const refused = say(405, { error: 'not allowed' })
    const free = await audit(refused)
    assert.equal(free.code, 0)
    assert.match(free.printed, /npm audit was not answered \(.+\); only floors were held/)
    const required = await audit(refused, { GROUNDSWELL_AUDIT: 'required' })
    assert.equal(required.code, 1)
  })
})
