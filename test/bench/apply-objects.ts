import type { TestObject } from '../support/verified-snapshot.ts'

/** Objects applied in a run, their namespace left out. */
export const applyObjects = 1_000

/** Their resources: of none of these does an API server without controllers ask itself. */
export const appliedResources = ['configmaps', 'secrets', 'cronjobs', 'serviceaccounts', 'roles']

/** Of ten objects, so many of each kind. */
const kinds = [
  ...['ConfigMap', 'ConfigMap', 'ConfigMap', 'ConfigMap', 'CronJob', 'CronJob'],
  ...['Secret', 'Secret', 'ServiceAccount', 'Role'],
] as const

/** What an application of a thousand objects is made of; `text` is in the first of them. */
export function listApplyObjects(namespace: string, text = ''): TestObject[] {
  return Array.from({ length: applyObjects }, (_, at) => {
    const kind = kinds[at % kinds.length]!
    const metadata = { name: `object-${at}`, namespace, labels: { app: `app-${at % 20}` } }
    return createObject(kind, metadata, at === 0 ? text : '')
  })
}

function createObject(
  kind: (typeof kinds)[number],
  metadata: TestObject['metadata'],
  text: string,
): TestObject {
  switch (kind) {
    case 'ConfigMap':
      return { apiVersion: 'v1', kind, metadata, data: { text, settings: 'a=1\n'.repeat(100) } }
    case 'Secret':
      return { apiVersion: 'v1', kind, metadata, data: { token: 'dG9rZW4=' } }
    case 'ServiceAccount':
      return { apiVersion: 'v1', kind, metadata }
    case 'Role':
      return {
        ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata },
        rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }],
      }
    case 'CronJob':
      return { apiVersion: 'batch/v1', kind, metadata, spec: createSchedule(metadata.name) }
  }
}

/** As large as a Deployment, and well without a controller: nobody asks why it is not ready. */
function createSchedule(name: string): object {
  const container = {
    ...{ name: 'main', image: 'registry.example.org/main:1', ports: [{ containerPort: 8080 }] },
    env: Array.from({ length: 10 }, (_, at) => ({ name: `SETTING_${at}`, value: `${at}` })),
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
  }
  const template = {
    metadata: { labels: { name } },
    spec: { restartPolicy: 'Never', containers: [container] },
  }
  return { schedule: '0 4 * * *', jobTemplate: { spec: { template } } }
}
