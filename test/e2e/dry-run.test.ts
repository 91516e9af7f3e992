import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { enginePath } from '../../deploy/setup/paths.mjs'
import { waitForRollout } from '../support/api-client.ts'
import { type AgentProcess, startAgent } from '../support/agent-process.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { forgeProject, forgeToken, startForgeServer } from '../support/forge-server.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

/* `swell check --live`: what real API servers and their admission say, before anything is merged. */

const policies = '/apis/admissionregistration.k8s.io/v1'
const settings = '/api/v1/namespaces/web/configmaps/settings'

interface Finding {
  readonly severity: string
  readonly rule: string
  readonly message: string
  readonly object: string
  readonly clusters: readonly string[]
}
interface Report {
  readonly verdict: string
  readonly findings: readonly Finding[]
  readonly unchecked: readonly { application: string; reason: string }[]
}

describe('a dry run on a live cluster', () => {
  let surroundings: Awaited<ReturnType<typeof createSurroundings>>
  let hub: HubProcess
  let plane: ControlPlane
  let agent: AgentProcess
  let checkout: string

  const write = async (files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(checkout, path)), { recursive: true })
      await writeFile(join(checkout, path), text)
    }
  }
  async function checkLive(): Promise<{ code: number | null; report: Report }> {
    const words = ['check', '--live', '-C', checkout, '--path', 'fleet', '-o', 'json']
    const only = ['--cluster', 'a', '--engine', enginePath(), '--no-cache']
    const { code, out, said } = await runSwell(hub, ...words, ...only)
    assert.notEqual(out, '', said)
    return { code, report: JSON.parse(out) as Report }
  }
  const live = ({ findings }: Report) => findings.filter(({ rule }) => rule === 'live')
  /** An admission policy over ConfigMaps of namespace web: deny or warn where the text says so. */
  async function setPolicy(name: string, word: string, action: 'Deny' | 'Warn') {
    const resources = { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }
    await kubeCall(plane, 'POST', `${policies}/validatingadmissionpolicies`, {
      metadata: { name },
      spec: {
        matchConstraints: { resourceRules: [{ ...resources, operations: ['CREATE', 'UPDATE'] }] },
        validations: [
          {
            expression: `!has(object.data) || !('text' in object.data) || !object.data.text.contains('${word}')`,
            message: `nobody says ${word} here`,
          },
        ],
      },
    })
    await kubeCall(plane, 'POST', `${policies}/validatingadmissionpolicybindings`, {
      metadata: { name },
      spec: { policyName: name, validationActions: [action] },
    })
  }

  before(async () => {
    surroundings = await createSurroundings()
    const files = { ...clusterFiles, ...strategyFile('0s'), ...applicationFiles('web', 'one') }
    await surroundings.repository.commit(files)
    hub = await surroundings.start({ args: ['--enrol-rate', '100'] })
    await untilReady(hub)
    plane = await startControlPlane({ name: 'dry-run' })
    const { directory } = surroundings
    agent = await startAgent(hub, { directory, cluster: 'a', kubeconfig: plane.kubeconfig })
    await waitForRollout(hub.api, 'web', 'Succeeded')
    checkout = join(directory, 'checkout')
    await promisify(execFile)('git', ['init', '-q', '-b', 'main', checkout])
    await write(files)
    await setPolicy('denies', 'forbidden', 'Deny')
    await setPolicy('warns', 'dubious', 'Warn')
    await until(
      async () => {
        const probe = { metadata: { name: 'probe' }, data: { text: 'forbidden' } }
        const path = '/api/v1/namespaces/web/configmaps?dryRun=All'
        return (await kubeRequest(plane, 'POST', path, probe)).status >= 400
      },
      { deadlineMs: 30_000, what: 'the policies to be in force' },
    )
  })

  after(async () => {
    await agent?.stop()
    await plane?.stop()
    await surroundings?.[Symbol.asyncDispose]()
  })

  const version = async () => {
    const { body } = await kubeRequest(plane, 'GET', settings)
    const { metadata, data } = body as { metadata: { resourceVersion: string }; data: object }
    return { version: metadata.resourceVersion, data }
  }

  test('tells what admission refuses and warns of, and writes nothing', async () => {
    const before = await version()
    await write({
      'apps/web/settings.yaml': configMap('settings', 'forbidden'),
      'apps/web/more.yaml': configMap('more', 'dubious'),
    })
    const { code, report } = await checkLive()
    assert.equal(code, 1)
    assert.deepEqual(
      live(report).map(({ severity, object, clusters }) => [severity, object, clusters]),
      [
        ['error', 'ConfigMap web/settings', ['a']],
        ['warning', 'ConfigMap web/more', ['a']],
      ],
    )
    assert.match(live(report)[0]!.message, /nobody says forbidden here/)
    assert.match(live(report)[1]!.message, /nobody says dubious here/)
    assert.deepEqual(await version(), before)
    const more = await kubeRequest(plane, 'GET', '/api/v1/namespaces/web/configmaps/more')
    assert.equal(more.status, 404)
  })

  test('a plan asks live clusters on request: what will be refused is known before it moves', async () => {
    const gate = '      before: [{ approval: { role: operator } }]\n'
    const before = await version()
    const commit = await surroundings.repository.commit({
      'fleet/strategy.yaml': `apiVersion: groundswell.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: careful }
spec:
  waves:
    - name: all
      selector: {}
${gate}`,
      'apps/web/settings.yaml': configMap('settings', 'forbidden'),
    })
    await until(
      async () => {
        const { items } = await hub.api.get<{ items: { revision: string }[] }>(
          'rollouts?active=true',
        )
        return items.some(({ revision }) => revision.endsWith(commit))
      },
      { deadlineMs: 30_000, what: 'the rollout to wait at its gate' },
    )
    const { code, out } = await runSwell(hub, 'rollout', 'plan', 'web', '--live')
    assert.equal(code, 1, out)
    assert.match(out, /^LIVE: 1 cluster asked; 1 object refused$/m)
    assert.match(out, /error: ConfigMap web\/settings on cluster a: .*nobody says forbidden here/)
    assert.match(out, /^    \+  text: forbidden$/m)
    assert.deepEqual(await version(), before)
  })

  test('all is well: passed; a new application needs its namespace first, and that is a note', async () => {
    await write({
      'apps/web/settings.yaml': configMap('settings', 'fine'),
      'apps/web/more.yaml': configMap('more', 'fine'),
      ...applicationFiles('shop', 'new'),
    })
    const { code, report } = await checkLive()
    assert.equal(code, 0, JSON.stringify(report.findings))
    assert.deepEqual(
      live(report).map(({ severity, object }) => [severity, object]),
      [['note', 'ConfigMap shop/settings']],
    )
  })

  test('what clusters say is part of the one status and the one comment of a pull request', async () => {
    await using forge = await startForgeServer('github')
    await write({ 'apps/web/settings.yaml': configMap('settings', 'forbidden') })
    const event = join(surroundings.directory, 'event.json')
    await writeFile(
      event,
      JSON.stringify({ pull_request: { number: 12, head: { sha: 'c'.repeat(40) } } }),
    )
    const env = {
      ...{ GITHUB_ACTIONS: 'true', GITHUB_API_URL: forge.api, GITHUB_REPOSITORY: forgeProject },
      ...{ GITHUB_SHA: 'd'.repeat(40), GITHUB_EVENT_PATH: event },
      SWELL_FORGE_TOKEN: forgeToken,
    }
    const words = ['check', '--live', '--post', '-C', checkout, '--path', 'fleet']
    const only = ['--cluster', 'a', '--engine', enginePath(), '--no-cache']
    const { code, said } = await runSwell(
      { url: hub.url, token: hub.token, env },
      ...words,
      ...only,
    )
    assert.equal(code, 1, said)
    assert.deepEqual(
      forge.statuses.map(({ state, context }) => [state, context]),
      [['failure', 'groundswell/check (fleet)']],
    )
    const [comment, ...more] = forge.comments.get(12)!
    assert.deepEqual(more, [])
    assert.match(comment!.body, /nobody says forbidden here/)
  })

  test('a field no API server knows is refused by the cluster itself', async () => {
    const text = `${configMap('settings', 'fine')}spell: wrong\n`
    await write({ 'apps/web/settings.yaml': text })
    const { report } = await checkLive()
    const refusal = live(report).find(({ severity }) => severity === 'error')
    assert.match(refusal?.message ?? '', /spell/)
  })

  test('a cluster that is away is not checked, and that is no pass', async () => {
    await agent.stop()
    await until(
      async () => {
        const view = await hub.api.get<{ connection: { state: string } }>('clusters/a')
        return view.connection.state === 'Disconnected'
      },
      { deadlineMs: 20_000, what: 'the hub to see it away' },
    )
    await write({ 'apps/web/settings.yaml': configMap('settings', 'fine') })
    const { code, report } = await checkLive()
    assert.equal(code, 2)
    assert.equal(report.verdict, 'incomplete')
    assert.match(report.unchecked[0]!.reason, /cluster a could not be asked: .*not connected/)
  })

  test('only operators may ask', async () => {
    const body = {
      application: 'web',
      objects: [{ id: '/ConfigMap/web/x', apiVersion: 'v1', json: '{}' }],
    }
    const response = await fetch(`${hub.url}/api/v1/clusters/a/dry-runs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    assert.equal(response.status, 401)
  })
})
