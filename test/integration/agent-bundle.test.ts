import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { buildAgent } from '../../deploy/build/agent.mjs'
import { constructLate } from '../../deploy/build/late-package.mjs'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'

const run = promisify(execFile)

describe('the agent as one file', () => {
  let directory: TempDir
  let program: string
  let built: { bytes: number; digest: string }

  before(async () => {
    directory = await createTempDir('agent-bundle')
    program = join(directory.path, 'agent.mjs')
    built = await buildAgent(program)
  })
  after(() => directory.remove())

  it('is alone, below 3 MiB, and the same bytes each time', async (t) => {
    t.diagnostic(`${Math.ceil(built.bytes / 1024)} KiB`)
    assert.deepEqual(await readdir(directory.path), ['agent.mjs'])
    assert.ok(built.bytes < 3 * 1024 * 1024, `${built.bytes} bytes`)
    assert.equal((await buildAgent(program)).digest, built.digest)
  })

  it('runs with nothing beside it', async () => {
    const { stdout } = await run(process.execPath, [program, '--help'])
    assert.match(stdout, /^swell-agent: .*\n[^]*--content-secret/)
  })

  it("is kept at a byte a letter, and does not load Node's own fetch", async () => {
    assert.doesNotMatch(await readFile(program, 'latin1'), /[\u0080-\u00ff]/)
    const probe = join(directory.path, 'probe.cjs')
    await writeFile(
      probe,
      "process.on('exit', () => console.log(JSON.stringify(process.moduleLoadList)))",
    )
    const { stdout } = await run(process.execPath, ['--require', probe, program, '--help'])
    await rm(probe)
    const loaded = JSON.parse(stdout.trim().split('\n').at(-1)!) as string[]
    assert.ok(loaded.includes('NativeModule http2'), 'what is looked for has another name')
    assert.deepEqual(
      loaded.filter((name) => /undici|child_process/i.test(name)),
      [],
    )
  })

  it('gets nothing hot enough for the optimizing compiler before it has work to do', async () => {
    const { stdout } = await run(process.execPath, ['--trace-opt', program, '--help'])
    assert.match(stdout, /swell-agent: joins/)
    assert.doesNotMatch(stdout, /completed optimizing .*TURBOFAN/)
    const slow = "let n = 0; for (let i = 0; i < 1e7; i += 1) n += i % 7; console.log('told', n)"
    const known = await run(process.execPath, ['--trace-opt', '-e', slow])
    assert.match(known.stdout, /completed optimizing .*TURBOFAN/, 'V8 says it in other words')
  })

  it('leaves what reads expressions alone until there is one', async () => {
    const coverage = join(directory.path, 'coverage')
    const env = { ...process.env, NODE_V8_COVERAGE: coverage }
    await run(process.execPath, [program, '--help'], { env })
    const [file] = await readdir(coverage)
    const { result } = JSON.parse(await readFile(join(coverage, file!), 'utf8')) as {
      result: { url: string; functions: { functionName: string; ranges: { count: number }[] }[] }[]
    }
    await rm(coverage, { recursive: true })
    const functions = result.find(({ url }) => url.endsWith('/agent.mjs'))?.functions ?? []
    const ran = (module: string) =>
      functions.find(({ functionName }) => functionName.endsWith(module))?.ranges[0]?.count
    assert.equal(ran('pino/pino.js'), 1, 'modules go by another name')
    assert.equal(ran('cel-js/lib/evaluator.js'), 0)
  })

  it('reads expressions as the sources do', async () => {
    const late = join(directory.path, 'late.mjs')
    const contents = `
      import { parseCel } from '@groundswell/proto/cel.ts'
      const within = (run) => run()
      console.log(parseCel('status.ready == 3', ['status']).test({ status: { ready: 3 } }, within))
      try { parseCel('status.ready ==', ['status']) } catch (error) { console.log(error.name) }`
    await build({
      ...({ bundle: true, platform: 'node', format: 'esm', outfile: late } as const),
      stdin: { contents, resolveDir: join(import.meta.dirname, '..', '..', 'agent') },
      plugins: [constructLate('@marcbachmann/cel-js', 'Environment')],
    })
    const { stdout } = await run(process.execPath, [late])
    await rm(late)
    assert.equal(stdout, 'true\nCelError\n')
  })

  it('runs the plugin of a kubeconfig, whose library was cut to what that needs', async () => {
    let authorization: string | undefined
    const server = createServer((request, response) => {
      authorization = request.headers.authorization
      response.writeHead(403).end('{"message":"seen"}')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'of-the-plugin' },
    }
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`],
      interactiveMode: 'Never',
    }
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'c',
          cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true },
        },
      ],
      users: [{ name: 'u', user: { exec } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }
    const path = join(directory.path, 'kubeconfig')
    await writeFile(path, JSON.stringify(kubeconfig))
    const settings = ['--kubeconfig', path, '--data', join(directory.path, 'data')]
    const joining = ['--hub', '127.0.0.1:9', '--token', 'gst1.none']
    const agent = spawn(process.execPath, [program, ...settings, ...joining], {
      stdio: 'ignore',
      timeout: 20_000,
      killSignal: 'SIGKILL',
    })
    const [code] = (await once(agent, 'exit')) as [number | null]
    server.closeAllConnections()
    server.close()
    assert.equal(code, 1)
    assert.equal(authorization, 'Bearer of-the-plugin')
  })
})
