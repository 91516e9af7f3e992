import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { sealedSecretsPaths } from '../../deploy/setup/paths.mjs'
import { setUpSealedSecrets } from '../../deploy/setup/sealed-secrets.mjs'
import type { ControlPlane } from './control-plane.ts'
import { freePort } from './free-port.ts'
import { kubeCall } from './kube-request.ts'
import { startProcess } from './process.ts'
import { createTempDir } from './temp-dir.ts'
import { until } from './until.ts'
import type { TestObject } from './verified-snapshot.ts'

const run = promisify(execFile)

/** The controller of SealedSecrets, v0.27.1, at a control plane. */
export interface SealedSecrets extends AsyncDisposable {
  /** What the real `kubeseal` makes of a Secret. */
  seal(secret: {
    name: string
    namespace: string
    data: Record<string, string>
  }): Promise<TestObject>
  /** Stops it where it is until `resume`. */
  pause(): void
  resume(): void
}

/**
 * Starts the real controller. It only knows the places that a pod has its token in, so it runs with
 * a `/run` of its own, in a mount namespace.
 */
export async function startSealedSecrets(plane: ControlPlane): Promise<SealedSecrets> {
  await setUpSealedSecrets()
  const { controller, kubeseal, definition } = sealedSecretsPaths()
  const directory = await createTempDir('sealed-secrets')
  const at = (name: string) => join(directory.path, name)
  await kubeCall(
    plane,
    'POST',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    parse(await readFile(definition, 'utf8')) as object,
  )
  await until(() => kubeCall(plane, 'GET', '/apis/bitnami.com/v1alpha1'), {
    deadlineMs: 20_000,
    what: 'SealedSecrets to be served',
  })
  await writeFile(at('ca.crt'), plane.ca)
  await writeFile(at('token'), plane.token)
  const place = '/run/secrets/kubernetes.io/serviceaccount'
  const port = await freePort()
  const script = [
    'mount -t tmpfs tmpfs /run',
    `mkdir -p ${place}`,
    `cp "$1/ca.crt" "$1/token" ${place}/`,
    'exec "$2" --listen-addr "127.0.0.1:$3" --listen-metrics-addr "127.0.0.1:$4"',
  ].join(' && ')
  const { hostname, port: apiPort } = new URL(plane.server)
  const words = [directory.path, controller, String(port), String(await freePort())]
  const server = startProcess(
    'unshare',
    ['--map-root-user', '--mount', 'sh', '-ec', script, 'sh', ...words],
    {
      name: 'sealed-secrets',
      logFile: at('controller.log'),
      env: {
        PATH: process.env['PATH'],
        KUBERNETES_SERVICE_HOST: hostname,
        KUBERNETES_SERVICE_PORT: apiPort,
        POD_NAMESPACE: 'kube-system',
      },
    },
  )
  const certificate = async () => {
    if (!server.running) throw new Error(`sealed-secrets ended early:\n${server.readLog()}`)
    const answer = await fetch(`http://127.0.0.1:${port}/v1/cert.pem`)
    return answer.ok ? answer.text() : undefined
  }
  let found: string | undefined
  await until(async () => (found = await certificate()), {
    deadlineMs: 30_000,
    what: 'the controller of SealedSecrets to have a key',
  })
  await writeFile(at('cert.pem'), found!)
  return {
    async seal({ name, namespace, data }) {
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data }
      await writeFile(at('plain.json'), JSON.stringify(secret))
      const files = ['--cert', at('cert.pem'), '--secret-file', at('plain.json')]
      const { stdout } = await run(kubeseal, [...files, '--format', 'json'])
      return JSON.parse(stdout) as TestObject
    },
    pause: () => process.kill(-server.pid, 'SIGSTOP'),
    resume: () => process.kill(-server.pid, 'SIGCONT'),
    async [Symbol.asyncDispose]() {
      await server.stop()
      await directory.remove()
    },
  }
}
