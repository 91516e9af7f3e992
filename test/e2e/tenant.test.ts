import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { untilFaults } from '../support/api-client.ts'
import { strategyFile } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { startGitServer } from '../support/git-server.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* A tenant from its Project to the cluster: what is allowed arrives, and whatever reaches out of
   the limits is refused where it is first known, with words, while what runs stays. */

const api = 'apiVersion: groundswell.dev/v1alpha1'
const clusters = ['a', 'b']
  .map(
    (name) =>
      `${api}\nkind: Cluster\nmetadata: { name: ${name}, labels: { ring: canary, team: ${name === 'a' ? 'shop' : 'other'} } }\nspec: {}\n`,
  )
  .join('---\n')
const project = `${api}
kind: Project
metadata: { name: shop }
spec:
  sources:
    - { repository: apps, paths: [shop] }
  destinations:
    - { clusterSelector: { matchLabels: { team: shop } }, namespaces: ["shop-*"] }
  kinds:
    clusterScoped: { allow: [Namespace] }
    namespaced: { deny: [ResourceQuota] }
`
const policy = `${api}
kind: Policy
metadata: { name: tagged }
spec: { files: [policies], projects: [shop] }
`
const kyverno = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: { name: owned }
spec:
  validationFailureAction: Enforce
  rules:
    - name: owner
      match: { any: [{ resources: { kinds: [ConfigMap] } }] }
      validate:
        message: "{{ request.object.metadata.name }} has no owner"
        deny: { conditions: { any: [{ key: "{{ request.object.metadata.labels.owner || '' }}", operator: Equals, value: "" }] } }
`
const application = (
  more: { readonly path?: string; readonly namespace?: string; readonly targets?: string } = {},
) => ({
  'fleet/web.yaml': `${api}
kind: Application
metadata: { name: web }
spec:
  project: shop
  source: { repository: apps, path: ${more.path ?? 'shop/web'} }
  targets: [${more.targets ?? '{ clusterSelector: { matchLabels: { team: shop } } }'}]
  targetNamespace: ${more.namespace ?? 'shop-web'}
  createNamespace: true
  rolloutStrategy: careful
`,
})
const settings = (text: string, labels = 'labels: { owner: shop }') =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, ${labels} }\ndata: { text: ${text} }\n`

describe('a tenant', () => {
  const stack = new AsyncDisposableStack()
  let fleet: TestRepository
  let apps: TestRepository
  let hub: HubProcess
  let agent: MemoryAgent

  before(async () => {
    const directory = stack.use(await createTempDir('tenant'))
    const git = stack.use(await startGitServer())
    const redis = stack.use(await startRedis())
    fleet = await git.createRepository('fleet')
    apps = await git.createRepository('apps')
    await apps.commit({
      'shop/web/settings.yaml': settings('one'),
      'other/settings.yaml': settings('theirs'),
    })
    const repository = `${api}\nkind: Repository\nmetadata: { name: apps }\nspec: { url: "${git.url('apps')}", interval: 1s }\n`
    await fleet.commit({
      'fleet/clusters.yaml': clusters,
      'fleet/project.yaml': project,
      'fleet/policy.yaml': policy,
      'fleet/repository.yaml': repository,
      'policies/owned.yaml': kyverno,
      ...strategyFile('0s'),
      ...application(),
    })
    hub = await startHub({
      ...{ directory: directory.path, fleetUrl: git.url('fleet'), path: 'fleet' },
      ...{ redisUrl: redis.url, interval: '1s' },
    })
    stack.defer(() => hub.stop())
    await untilFaults(hub.api, 'the fleet is read', ({ revision }) => revision !== null)
    agent = stack.use(await startMemoryAgent(hub, 'a'))
    await untilSays('one')
  })

  after(() => stack.disposeAsync())

  const saying = (): unknown =>
    (agent.cluster.read('/ConfigMap/shop-web/settings') as { data?: { text?: string } } | undefined)
      ?.data?.text
  const untilSays = (text: string) =>
    until(() => saying() === text, { deadlineMs: 20_000, what: `the cluster says ${text}` })

  it('what reaches out of its Project is refused with the commit, at its line, and nothing moves', async () => {
    for (const [more, expected] of [
      [
        { path: 'other' },
        'fleet/web.yaml:6 Project shop does not allow the path "other" of the repository "apps"; allowed are shop',
      ],
      [
        { namespace: 'kube-system' },
        'fleet/web.yaml:8 Project shop does not allow the namespace "kube-system" here; allowed are shop-*',
      ],
      [
        { targets: '{ clusters: [b] }' },
        'fleet/web.yaml:7 Project shop does not allow this cluster',
      ],
    ] as const) {
      await fleet.commit(application(more))
      const { faults } = await untilFaults(hub.api, expected, ({ refused }) => refused !== null)
      const told = faults.map(({ file, line, message }) => `${file}:${line} ${message}`).join('\n')
      assert.ok(told.includes(expected), told)
      assert.equal(saying(), 'one')
      await fleet.commit(application())
      await untilFaults(
        hub.api,
        'it is mended',
        ({ refused, faults }) => refused === null && faults.length === 0,
      )
    }
  })

  it('a kind, a namespace and a policy that are not kept refuse the application, and what runs stays', async () => {
    for (const [text, words] of [
      ['apiVersion: v1\nkind: ResourceQuota\nmetadata: { name: q }\nspec: {}\n', /ResourceQuota/],
      [
        'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: shop }\nrules: []\n',
        /ClusterRole/,
      ],
      [settings('stray', 'namespace: kube-system'), /namespace "kube-system"|kube-system/],
      [
        settings('x', 'labels: {}').replace('settings', 'more'),
        /policy tagged denies ConfigMap shop-web\/more: ClusterPolicy owned, rule owner: more has no owner/,
      ],
    ] as const) {
      await apps.commit({ 'shop/web/extra.yaml': text, 'shop/web/settings.yaml': settings('two') })
      const { faults } = await untilFaults(hub.api, String(words), (now) =>
        now.faults.some(({ message }) => words.test(message)),
      )
      assert.ok(faults.length > 0)
      assert.equal(saying(), 'one')
    }
  })

  it('what keeps all of it arrives', async () => {
    await apps.commit({
      'shop/web/extra.yaml': settings('more').replace('name: settings', 'name: more'),
      'shop/web/settings.yaml': settings('three'),
    })
    await untilSays('three')
    await untilFaults(hub.api, 'nothing is wrong', ({ faults }) => faults.length === 0)
  })
})
