import { createTimeBound } from '@groundswell/proto/v8.ts'
import { createWorkloads, type WorkloadsDeps } from '../../agent/apply/workloads.ts'
import { systemClock } from '../../agent/cluster/clock.ts'
import { createKubeCluster } from '../../agent/cluster/kube.ts'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
import { type KeyStore, noKeys } from '../../agent/secrets/keys.ts'
import type { ApplicationState } from '../../agent/observe/status.ts'
import type { TestObject } from './verified-snapshot.ts'

/** An agent's hands and eyes on the real API server, with every request and report written down. */
export async function createHands(
  kubeconfig: string,
  keys: KeyStore = noKeys,
  references?: WorkloadsDeps['references'],
) {
  const logs: object[] = []
  const requests: { method: string; path: string }[] = []
  const reports: ApplicationState[] = []
  const cluster = createKubeCluster(await loadConnection({ kubeconfig }), {
    onRequest: (method, path) => requests.push({ method, path }),
  })
  const workloads = createWorkloads({
    cluster,
    clusterId: 'test-cluster',
    keys,
    clock: systemClock,
    within: createTimeBound(50),
    random: Math.random,
    log: (message, fields) => logs.push({ message, ...fields }),
    ...(references && { references }),
    onChange: (states) => reports.push(...states),
  })
  return {
    cluster,
    workloads,
    requests,
    reports,
    /** What was logged. */
    logs,
    state: (name: string) => workloads.states().find(({ application }) => application === name),
    writes: () => requests.filter(({ method }) => method !== 'GET'),
    async [Symbol.asyncDispose]() {
      await workloads.close()
      await cluster.close()
    },
  }
}

export function createNamespace(name: string): TestObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

export function createConfig(
  namespace: string,
  name: string,
  data: Record<string, string> = {},
  annotations: Record<string, string> = {},
): TestObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, annotations },
    data,
  }
}

export function createDeployment(
  namespace: string,
  volumes: readonly object[] = [{ name: 'tmp', emptyDir: {} }],
): TestObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'web',
              image: 'web:1',
              ports: [{ containerPort: 80 }],
              resources: { limits: { cpu: '1000m' } },
            },
          ],
          volumes,
        },
      },
    },
  }
}
