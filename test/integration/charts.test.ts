import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { listAgentObjects } from '../../hub/cli/agent-manifest.ts'
import { describeChartSettings } from '../chart-settings.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import {
  type ChartName,
  type ChartValues,
  leastValues,
  podTemplates,
  readValuesSchema,
  renderChart,
  runHelm,
} from '../support/helm.ts'
import type { ManifestObject } from '../support/kube-manifest.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { prepareOracles } from '../support/oracles.ts'
import { createBench } from '../support/policies.ts'
import { startRenderEngine } from '../support/render-engine.ts'

/* The charts that deploy/charts offers, rendered by the official helm in all the ways they can be. */

const shapes: readonly (readonly [ChartName, string, ChartValues])[] = [
  ['agent', 'as it is', { join: { token: 'a-token' } }],
  [
    'agent',
    'with all of it',
    {
      join: { existingSecret: 'mine' },
      image: { repository: 'registry.example/agent', digest: `sha256:${'a'.repeat(64)}` },
      imagePullSecrets: [{ name: 'pull' }],
      serviceAccount: { annotations: { a: 'b' } },
      rbac: { clusterRole: 'what-shops-need' },
      logLevel: 'debug',
      extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example:3128' }],
      networkPolicy: { enabled: true },
      podAnnotations: { c: 'd' },
      podLabels: { 'sidecar.istio.io/inject': 'false' },
      priorityClassName: 'system-cluster-critical',
      nodeSelector: { pool: 'ops' },
      tolerations: [{ operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
    },
  ],
  ['hub', 'one process', {}],
  ['hub', 'three roles', { roles: 'three', seed: { keysSecret: 'k', adminTokenSecret: 'a' } }],
  [
    'hub',
    'replicas',
    {
      settings: {
        ...(leastValues.hub['settings'] as object),
        ledgerRemote: 'https://git.example/ledger.git',
        ledgerCredential: '/run/secrets/groundswell/ledger/credential.yaml',
      },
      secrets: [{ name: 'ledger', existingSecret: 'ledger-credential', roles: ['api'] }],
      replicas: 3,
      redis: { included: false, urlSecret: 'redis' },
      seed: { keysSecret: 'k' },
    },
  ],
  [
    'hub',
    'with all of it',
    {
      settings: { ...(leastValues.hub['settings'] as object), interval: '1m', allowFile: false },
      secrets: [{ name: 'git', existingSecret: 'git-credentials', roles: ['renderer'] }],
      redis: { passwordSecret: 'redis' },
      ingress: { enabled: true, className: 'nginx', host: 'hub.example', tlsSecret: 'tls' },
      gateway: { enabled: true, host: 'hub.example', parentRefs: [{ name: 'public' }] },
      rbac: { credentialSecrets: ['shop-key'] },
      metrics: {
        serviceMonitor: { enabled: true, tokenSecret: 'prometheus' },
        rules: { enabled: true, runbooks: 'https://git.example/groundswell/main/' },
        dashboards: { enabled: true },
      },
      extraEnv: [{ name: 'A', value: 'b' }],
      networkPolicy: { apiFrom: [{ namespaceSelector: {} }] },
      podLabels: { 'sidecar.istio.io/inject': 'false' },
      nodeSelector: { pool: 'ops' },
      topologySpreadConstraints: [
        {
          ...{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' },
          labelSelector: {},
        },
      ],
      service: {
        grpc: {
          ...{ externalTrafficPolicy: 'Local', loadBalancerClass: 'example.com/nlb' },
          loadBalancerSourceRanges: ['10.0.0.0/8'],
        },
      },
    },
  ],
]

/** Not Kubernetes' own kinds. */
const isForeign = ({ apiVersion }: ManifestObject): boolean =>
  /^(gateway\.networking\.k8s\.io|monitoring\.coreos\.com)\//.test(apiVersion)

describe('charts', () => {
  let plane: ControlPlane
  before(async () => {
    await prepareOracles()
    plane = await startControlPlane({ name: 'charts' })
  })
  after(() => plane.stop())

  it('helm lint finds nothing, and every shape renders', async () => {
    for (const [chart, title, values] of shapes) {
      const linted = await runHelm(['lint', '--strict'], chart, values)
      assert.ok('text' in linted, `${chart} ${title}: ${'error' in linted ? linted.error : ''}`)
      const objects = await renderChart(chart, values)
      const ids = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
      assert.equal(new Set(ids).size, ids.length, `${chart} ${title}`)
    }
  })

  it('every object fits the schemas of each version of Kubernetes that we know', async () => {
    await using engine = await startRenderEngine()
    const bench = createBench(engine)
    for (const [chart, title, values] of shapes) {
      const objects = (await renderChart(chart, values)).filter((one) => !isForeign(one))
      const text = objects.map((one) => JSON.stringify(one)).join('\n---\n')
      for (const kubernetesVersion of ['1.31', '1.34', '1.37']) {
        const verdict = await bench.judge(text, [], { kubernetesVersion })
        const faults = verdict.filter(({ rule }) => rule.startsWith('schema'))
        assert.deepEqual(faults, [], `${chart} ${title}, Kubernetes ${kubernetesVersion}`)
      }
    }
  })

  it('a real API server takes every object, and lets every pod into a restricted namespace', async () => {
    const namespace = 'groundswell-system'
    await kubeCall(plane, 'POST', '/api/v1/namespaces', {
      ...{ apiVersion: 'v1', kind: 'Namespace' },
      metadata: {
        name: namespace,
        labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
      },
    })
    const query = 'dryRun=All&fieldManager=test&fieldValidation=Strict'
    for (const [chart, title, values] of shapes) {
      const objects = (await renderChart(chart, values)).filter((one) => !isForeign(one))
      for (const object of objects) {
        const path = `${placeOf(object)}?${query}`
        const { status, body } = await kubeRequest(plane, 'APPLY', path, object)
        assert.ok(status < 300, `${chart} ${title}: ${object.kind}: ${JSON.stringify(body)}`)
      }
      for (const [name, template] of podTemplates(objects)) {
        const owner = objects.find(
          (one) => one.metadata.name === name && 'spec' in one && podTemplates([one]).size > 0,
        )
        const volumes = claimsOf(owner?.['spec']).map((claim) => ({ name: claim, emptyDir: {} }))
        const { status, body } = await kubeRequest(
          plane,
          'POST',
          `/api/v1/namespaces/${namespace}/pods?dryRun=All&fieldValidation=Strict`,
          {
            ...{ apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name: 'x' } },
            spec: {
              ...template.spec,
              priorityClassName: undefined,
              volumes: [...(template.spec.volumes ?? []), ...volumes],
            },
          },
        )
        assert.ok(status < 300, `${chart} ${title}: ${name}: ${JSON.stringify(body)}`)
      }
    }
  })

  it('an upgrade is refused that Kubernetes would refuse, or that would begin with new keys', async () => {
    const [three, replicas] = [shapes[3]![2], shapes[4]![2]]
    const flags = ['--dry-run=server', '--kubeconfig', plane.kubeconfig, '--namespace', 'default']
    const place = '/apis/apps/v1/namespaces/default/statefulsets/groundswell'
    const ofRelease = {
      'meta.helm.sh/release-name': 'groundswell',
      'meta.helm.sh/release-namespace': 'default',
    }
    const upgrade = (values: ChartValues) =>
      runHelm(['template', 'groundswell'], 'hub', values, flags)
    const install = async (values: ChartValues) => {
      await kubeRequest(plane, 'DELETE', place)
      const objects = await renderChart('hub', values, 'default')
      const hub = objects.find(
        ({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'groundswell',
      )
      await kubeCall(plane, 'APPLY', `${place}?fieldManager=test`, {
        ...hub,
        metadata: { ...hub!.metadata, annotations: ofRelease },
      })
    }
    for (const [before, after, words] of [
      [{}, three, /with roles: one, .*what-an-upgrade-cannot-change/],
      [three, {}, /with roles: three, /],
      [{}, replicas, /new keys, .*what-an-upgrade-cannot-change.* from 1 to 3/],
      [replicas, {}, /new keys, .* from 3 to 1/],
    ] as const) {
      await install(before)
      const refused = await upgrade(after)
      assert.ok('error' in refused, JSON.stringify(after))
      assert.match(refused.error, words)
      const same = await upgrade({ ...before, podLabels: { a: 'b' } })
      assert.ok('text' in same, 'error' in same ? same.error : '')
    }
    // Stopped, it is the user who says that the keys were moved.
    await kubeCall(plane, 'PATCH', place, { spec: { replicas: 0 } })
    const moved = await upgrade({})
    assert.ok('text' in moved, 'error' in moved ? moved.error : '')
    await kubeCall(plane, 'DELETE', place)
    assert.ok('text' in (await upgrade(three)))
  })

  it('the agent’s objects are those of `swell agent manifest`, in its own namespace and in another', async () => {
    for (const namespace of ['groundswell-system', 'agents']) {
      const values = { join: { token: 'a-token' }, cluster: 'edge-1' }
      const rendered = await renderChart('agent', values, namespace)
      const printed = listAgentObjects({
        ...{ namespace, image: 'registry.example/agent:1', hub: 'hub.example:8443' },
        ...{ token: 'a-token', clusterRole: 'cluster-admin', cluster: 'edge-1' },
      }).filter(({ kind, metadata }) => kind !== 'Namespace' || metadata.name !== namespace)
      assert.deepEqual(byId(rendered.map(withoutHelm)), byId(printed as readonly ManifestObject[]))
    }
  })

  it('what does not fit is refused, with the word that is wrong', async () => {
    const three = { roles: 'three' }
    for (const [chart, values, words] of [
      ['agent', { hub: 'hub.example' }, /\/hub/],
      ['agent', { hubs: 'hub.example:1' }, /hubs/],
      ['agent', { cluster: 'Edge_1' }, /\/cluster/],
      ['agent', { image: { repository: 'x', digest: 'sha256:1' } }, /\/image\/digest/],
      ['hub', { settings: { fleet: 'https://git.example/f' } }, /advertise/],
      [
        'hub',
        { settings: { ...(leastValues.hub['settings'] as object), data: '/x' } },
        /settings.*data/s,
      ],
      ['hub', { replicas: 0 }, /\/replicas/],
      ['hub', { ...three, replicas: 2 }, /a signer with a record of its own/],
      ['hub', { redis: { included: false } }, /redis\.url/],
      ['hub', { redis: { included: false, url: 'http://x' } }, /\/redis\/url/],
      ['hub', { ingress: { enabled: true } }, /ingress\.host/],
      ['hub', { gateway: { enabled: true } }, /gateway\.parentRefs/],
      ['hub', { metrics: { serviceMonitor: { enabled: true } } }, /tokenSecret/],
    ] as const) {
      const printed = await runHelm(['template', 'x'], chart, values)
      assert.ok('error' in printed, JSON.stringify(values))
      assert.match(printed.error, words)
    }
  })

  it('settings are those of the hub, less what the chart decides', async () => {
    const schema = (await readValuesSchema('hub')) as {
      properties: { settings: { properties: object } }
    }
    assert.deepEqual(schema.properties.settings.properties, describeChartSettings())
  })

  it('brings the alerts, with links that lead somewhere, and all dashboards', async () => {
    const objects = await renderChart('hub', shapes.at(-1)![2])
    const rule = objects.find(({ kind }) => kind === 'PrometheusRule')!['spec'] as {
      groups: { rules: { annotations: { runbook_url: string } }[] }[]
    }
    const links = rule.groups.flatMap(({ rules }) =>
      rules.map(({ annotations }) => annotations.runbook_url),
    )
    assert.ok(links.length > 10)
    const base = 'https://git.example/groundswell/main/deploy/docs/runbooks.md#'
    for (const link of links) assert.ok(link.startsWith(base), link)
    const boards = objects.find(({ metadata }) => metadata.name === 'groundswell-dashboards')!
    const titles = Object.values(boards['data'] as Record<string, string>).map(
      (text) => (JSON.parse(text) as { title: string }).title,
    )
    assert.equal(titles.length, 4)
  })

  it('may reach the Redis that is named, at its port, with a password of any characters', async () => {
    const outside = { included: false }
    for (const [redis, port, url] of [
      [{ ...outside, url: 'rediss://redis.example:6380/1' }, 6380, 'rediss://redis.example:6380/1'],
      [{ ...outside, url: 'redis://:p%40ss@[fd00::1]:7000' }, 7000, undefined],
      [{ ...outside, url: 'rediss://redis.example' }, 6379, 'rediss://redis.example'],
      [{ ...outside, urlSecret: 'redis', port: 10_000 }, 10_000, undefined],
      [{ passwordSecret: 'word' }, 6379, 'redis://groundswell-redis:6379'],
    ] as const) {
      const objects = await renderChart('hub', { redis })
      const policy = objects.find(
        ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'groundswell',
      )!
      const { egress } = policy['spec'] as { egress: { ports: { port: number }[] }[] }
      assert.deepEqual(egress.at(-1)!.ports, [{ port, protocol: 'TCP' }])
      const { env = [] } = podTemplates(objects).get('groundswell')!.spec.containers[0]!
      const given = (name: string) => env.find((one) => one.name === name) as { value?: string }
      if (url !== undefined) assert.equal(given('REDIS_URL').value, url)
      assert.equal(given('REDIS_PASSWORD') !== undefined, 'passwordSecret' in redis)
    }
    const outer = { redis: { ...outside, url: 'rediss://r:6380', passwordSecret: 'word' } }
    const [container] = podTemplates(await renderChart('hub', outer)).get('groundswell')!.spec
      .containers
    assert.deepEqual(
      container!.env!.map(({ name }) => name).filter((name) => name.startsWith('REDIS')),
      ['REDIS_PASSWORD', 'REDIS_URL'],
    )
  })

  it('the ledger’s credential comes from a Secret that exists, to where its setting says', async () => {
    const objects = await renderChart('hub', shapes[4]![2])
    const { spec } = podTemplates(objects).get('groundswell')!
    const [container] = spec.containers
    const mounted = container!.volumeMounts.find(({ name }) => name === 'secret-ledger')
    assert.deepEqual(mounted, {
      ...{ name: 'secret-ledger', mountPath: '/run/secrets/groundswell/ledger', readOnly: true },
    })
    const volume = (spec.volumes as { name: string; secret?: object }[]).find(
      ({ name }) => name === 'secret-ledger',
    )
    assert.deepEqual(volume!.secret, { secretName: 'ledger-credential', defaultMode: 0o440 })
    const told = objects.find(({ kind }) => kind === 'ConfigMap')!['data'] as { 'hub.yaml': string }
    assert.match(told['hub.yaml'], /^ledgerCredential: .*\/ledger\/credential\.yaml$/m)
  })

  it('of three roles each is given only its own sockets, secrets and Redis', async () => {
    const objects = await renderChart('hub', {
      roles: 'three',
      secrets: [
        { name: 'git', existingSecret: 'g', roles: ['renderer'] },
        { name: 'ledger', existingSecret: 'l', roles: ['api'] },
      ],
      seed: { keysSecret: 'k' },
    })
    const pod = podTemplates(objects).get('groundswell')!
    const seen = Object.fromEntries(
      pod.spec.containers.map(({ name, volumeMounts, env = [] }) => [
        name,
        {
          sockets: volumeMounts.flatMap(({ name, subPath }) => (name === 'sockets' ? subPath : [])),
          others: volumeMounts
            .map(({ name }) => name)
            .filter((name) => !['sockets', 'settings', 'tmp'].includes(name)),
          redis: env.some(({ name }) => name === 'REDIS_URL'),
        },
      ]),
    )
    assert.deepEqual(seen, {
      signer: { sockets: ['attest', 'sign'], others: ['signer'], redis: false },
      renderer: { sockets: ['attest', 'render'], others: ['renderer', 'secret-git'], redis: true },
      api: { sockets: ['sign', 'render'], others: ['data', 'secret-ledger'], redis: true },
    })
  })
})

function claimsOf(spec: unknown): string[] {
  const { volumeClaimTemplates = [] } = (spec ?? {}) as {
    volumeClaimTemplates?: { metadata: { name: string } }[]
  }
  return volumeClaimTemplates.map(({ metadata }) => metadata.name)
}

/** As `pathOf`, for kinds whose plural is not just an s more. */
function placeOf({ apiVersion, kind, metadata }: ManifestObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const within = metadata.namespace ? `/namespaces/${metadata.namespace}` : ''
  const plural = kind.toLowerCase().replace(/y$/, 'ie').replace(/s$/, 'se')
  return `${root}${within}/${plural}s/${metadata.name}`
}

interface Labelled {
  readonly name: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}

/** Labels that say which release an object is of. */
function withoutHelm(object: ManifestObject): ManifestObject {
  const { annotations = {}, labels = {}, ...metadata } = object.metadata as Labelled
  const { 'helm.sh/resource-policy': _, ...others } = annotations
  const own = Object.entries(labels).filter(([key]) => !/^helm\.sh\/|\/managed-by$/.test(key))
  const rest = Object.keys(others).length > 0 ? { annotations: others } : {}
  const bare = { ...metadata, labels: Object.fromEntries(own), ...rest }
  return { ...object, metadata: bare }
}

function byId(objects: readonly ManifestObject[]): Record<string, ManifestObject> {
  return Object.fromEntries(
    objects.map((object) => [
      `${object.kind}/${object.metadata.namespace}/${object.metadata.name}`,
      object,
    ]),
  )
}
