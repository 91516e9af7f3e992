import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { it } from 'node:test'
import { agentProgram } from '../support/agent-process.ts'
import { proxyUser, startConnectProxy } from '../support/connect-proxy.ts'
import { freePort } from '../support/free-port.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startProcess } from '../support/process.ts'
import { until } from '../support/until.ts'

/** An API server that knows which cluster it is, and nothing else: all that joining asks for. */
async function startApiServer(directory: string) {
  const server = createServer(({ url = '' }, response) => {
    const known = url.startsWith('/api/v1/namespaces/kube-system')
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' })
    const metadata = { name: 'kube-system', uid: '11111111-1111-4111-8111-111111111111' }
    response.end(JSON.stringify(known ? { kind: 'Namespace', apiVersion: 'v1', metadata } : {}))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const kubeconfig = join(directory, 'kubeconfig')
  const { port } = server.address() as AddressInfo
  await writeFile(
    kubeconfig,
    `apiVersion: v1
kind: Config
current-context: edge
contexts: [{name: edge, context: {cluster: edge, user: agent}}]
clusters: [{name: edge, cluster: {server: 'http://127.0.0.1:${port}'}}]
users: [{name: agent, user: {token: none}}]
`,
    { mode: 0o600 },
  )
  return {
    kubeconfig,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

it('the agent’s program joins and talks through HTTPS_PROXY, is back when the proxy was away, and spares what NO_PROXY names', async () => {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await createSurroundings())
  const ports = { enrol: await freePort(), data: await freePort() }
  const hub = await world.start({ ports, args: ['--advertise', 'hub.internal'] })
  await untilReady(hub)
  const routes = new Map(
    Object.values(ports).map((port) => [`hub.internal:${port}`, port] as const),
  )
  const proxy = await startConnectProxy(routes)
  stack.defer(() => proxy.close())
  const kube = await startApiServer(world.directory)
  stack.defer(() => kube.close())
  const connection = async (): Promise<string> =>
    (await hub.api.get<{ connection: { state: string } }>('clusters/a')).connection.state
  const untilIs = (state: string) =>
    until(async () => (await connection()) === state, { deadlineMs: 30_000, what: state })

  const launch = (name: string, env: Record<string, string>, ...join_: string[]) => {
    const agent = startProcess(
      process.execPath,
      [
        ...[
          agentProgram,
          '--data',
          join(world.directory, 'agent'),
          '--kubeconfig',
          kube.kubeconfig,
        ],
        ...join_,
      ],
      {
        name,
        logFile: join(world.directory, `${name}.log`),
        env: { ...process.env, HTTPS_PROXY: proxy.url(proxyUser), ...env },
      },
    )
    stack.defer(() => agent.stop(10_000))
    return agent
  }

  const { token } = await hub.api.post<{ token: string }>('clusters/a/tokens', {
    preApproved: true,
  })
  const first = launch('first', {}, '--hub', `hub.internal:${ports.enrol}`, '--token', token)
  await untilIs('Connected')
  assert.deepEqual([...new Set(proxy.asked)].sort(), [...routes.keys()].sort())
  // Every tunnel breaks at once, and the next ones are good.
  const before = proxy.asked.length
  proxy.cut()
  await until(() => proxy.asked.length > before, { deadlineMs: 20_000, what: 'another tunnel' })
  await untilIs('Connected')
  assert.doesNotMatch(first.readLog(), /p@ss|p%40ss/, 'the password is in no log')
  await first.stop(10_000)
  await untilIs('Disconnected')

  // The name is known to the proxy alone: who does not ask it gets nowhere.
  const asked = proxy.asked.length
  const spared = launch('spared', { NO_PROXY: '.example, .internal' })
  await until(
    () => /hub\.internal/.test(spared.readLog()) && /hub_unreachable/.test(spared.readLog()),
    {
      deadlineMs: 20_000,
      what: 'it to find nobody',
    },
  )
  assert.equal(proxy.asked.length, asked)
  assert.equal(await connection(), 'Disconnected')
})
