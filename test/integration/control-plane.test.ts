import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startControlPlane } from '../support/control-plane.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { until } from '../support/until.ts'

interface LiveDeployment {
  readonly status: {
    readonly readyReplicas?: number
    readonly conditions?: readonly { readonly type: string; readonly reason: string }[]
  }
}

test('the API server answers, keeps its objects through a crash, and leaves nothing behind', async () => {
  const cluster = await startControlPlane({ name: 'plain' })
  const directory = dirname(cluster.kubeconfig)
  try {
    assert.deepEqual(await kubeRequest(cluster, 'GET', '/readyz'), { status: 200, body: 'ok' })
    assert.ok(countProcesses(directory) >= 2)
    await kubeCall(cluster, 'POST', '/api/v1/namespaces', { metadata: { name: 'shop' } })

    await cluster.apiserver.kill()
    await assert.rejects(kubeRequest(cluster, 'GET', '/readyz'), { code: 'ECONNREFUSED' })
    await cluster.apiserver.start()
    assert.equal((await kubeRequest(cluster, 'GET', '/api/v1/namespaces/shop')).status, 200)
    const stranger = { ...cluster, token: 'wrong' }
    assert.equal((await kubeRequest(stranger, 'GET', '/api/v1/namespaces')).status, 401)
  } finally {
    await cluster.stop()
  }
  assert.equal(countProcesses(directory), 0)
  assert.equal(existsSync(directory), false)
})

test('a control plane dies with the process that started it, even when that is killed', async () => {
  const starter = fileURLToPath(new URL('../support/control-plane.ts', import.meta.url))
  const script = `
    import { startControlPlane } from ${JSON.stringify(starter)}
    process.stdout.write((await startControlPlane()).kubeconfig)
    setInterval(() => {}, 1_000)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [kubeconfig] = (await once(parent.stdout, 'data')) as [Buffer]
  const directory = dirname(kubeconfig.toString())
  assert.ok(countProcesses(directory) >= 2)
  parent.kill('SIGKILL')
  await until(() => countProcesses(directory) === 0 && !existsSync(directory), {
    deadlineMs: 10_000,
    what: 'processes and data to be gone',
  })
})

test('services get addresses on loopback, so that nothing behind one is dialled outside', async () => {
  await using cluster = await startControlPlane({ name: 'services' })
  const service = await kubeCall<{ spec: { clusterIP: string } }>(
    cluster,
    'POST',
    '/api/v1/namespaces/default/services',
    { metadata: { name: 'shop' }, spec: { ports: [{ port: 80 }] } },
  )
  assert.match(service.spec.clusterIP, /^127\.96\./)
})

test('a Deployment becomes ready on a played node, and one with a broken image does not', async () => {
  await using cluster = await startControlPlane({ name: 'full', controllers: true, nodes: true })
  const path = '/apis/apps/v1/namespaces/default/deployments'
  await kubeCall(cluster, 'POST', path, createDeployment('good', 'registry.invalid/shop:1.0.0'))
  await kubeCall(cluster, 'POST', path, createDeployment('bad', 'registry.invalid/shop:broken'))

  const read = (name: string) => kubeCall<LiveDeployment>(cluster, 'GET', `${path}/${name}`)
  await until(async () => (await read('good')).status.readyReplicas === 3, {
    deadlineMs: 60_000,
    what: 'three ready replicas',
  })
  const bad = await until(
    async () => {
      const deployment = await read('bad')
      const isLate = deployment.status.conditions?.some(
        ({ reason }) => reason === 'ProgressDeadlineExceeded',
      )
      return isLate && deployment
    },
    { deadlineMs: 60_000, what: 'the broken one to miss its progress deadline' },
  )
  assert.equal(bad.status.readyReplicas, undefined)
})

function createDeployment(name: string, image: string): object {
  const labels = { app: name }
  return {
    metadata: { name },
    spec: {
      replicas: 3,
      progressDeadlineSeconds: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'shop', image }] } },
    },
  }
}

/** Processes whose command line names the directory. */
function countProcesses(directory: string): number {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory)
      } catch {
        return false
      }
    }).length
}
