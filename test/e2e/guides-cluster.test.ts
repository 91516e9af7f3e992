import assert from 'node:assert/strict'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { setUpAge } from '../../deploy/setup/age.mjs'
import { startAgentPod } from '../support/agent-pod.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { type GuideWorld, startGuideWorld } from '../support/guide-world.ts'
import { kubeCall } from '../support/kube-request.ts'
import { playPod } from '../support/kubelet-logs.ts'
import { until } from '../support/until.ts'

/* The pages about one cluster: how it joins, keys of its Secrets, vetoes and receipts; their commands run against a real API
   server, by the real kubectl, sops and age-keygen. The agent runs as its Deployment says; its pod is played. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const add = 'deploy/docs/guides/add-a-cluster.md'
const secret = 'deploy/docs/guides/secret.md'
const secrets = 'deploy/docs/secrets.md'
const applications = 'deploy/docs/applications.md'

describe('the pages about a cluster', () => {
  let world: GuideWorld
  let plane: ControlPlane
  const stack = new AsyncDisposableStack()
  const run: GuideWorld['printed']['run'] = (...given) => world.printed.run(...given)
  const sees = (words: RegExp, what: string) =>
    until(
      async () => {
        const view = JSON.stringify(await world.hub.api.get('clusters/berlin'))
        if (!words.test(view)) throw new Error(view)
        return true
      },
      { deadlineMs: 30_000, intervalMs: 200, what },
    )

  before(async () => {
    await setUpAge()
    plane = stack.use(await startControlPlane({ name: 'berlin' }))
    world = stack.use(
      await startGuideWorld([add, secret, secrets, applications], {
        ...{ clusters: ['lab'], programs: ['kubectl', 'sops'] },
        placeholders: { 'until=2026-05-01': 'until=2126-05-01' },
      }),
    )
    world.printed.know({ KUBECONFIG: plane.kubeconfig })
  })
  after(() => stack.disposeAsync())

  test('a cluster joins: declared, installed, compared, let in', async () => {
    await world.write(world.printed.files(add))
    await world.push('Berlin comes')
    await run(add, 'swell fleet')
    assert.match(
      (await run(add, 'swell render')).out,
      /storefront: Deployment storefront\/storefront/,
    )
    await run(add, 'swell agent manifest')
    await run(add, 'kubectl --context berlin apply')
    const pod = await startAgentPod(plane, world.directory)
    stack.defer(() => pod.stop(10_000))
    stack.use(await playPod(plane, 'groundswell-system', 'groundswell-agent', () => pod.readLog()))
    const [, fingerprint] = await until(
      async () => {
        const { out } = await run(add, 'kubectl --context berlin -n groundswell-system logs')
        return /"fingerprint":"([0-9a-f-]{39})"/.exec(out)
      },
      { deadlineMs: 20_000, intervalMs: 300, what: 'the fingerprint in its log' },
    )
    const pending = await run(add, 'swell cluster pending')
    assert.match(pending.out, new RegExp(`^berlin +${fingerprint}`, 'm'))
    await run(add, 'swell cluster approve', { placeholders: { FINGERPRINT: fingerprint! } })
    await sees(/"state":"Connected"/, 'berlin to be connected')
  })

  test('a veto: a ConfigMap in the cluster, or a word at its agent', async () => {
    await run(applications, 'kubectl -n groundswell-system create configmap')
    await sees(/stock-taking/, 'the hub to know of the veto')
    const agent = {
      cwd: root,
      env: { GROUNDSWELL_AGENT_DATA: join(world.directory, 'berlin.data') },
    }
    assert.match((await run(applications, 'node agent/main.ts hold --until', agent)).out, /shop/)
    assert.match(
      (await run(applications, 'node agent/main.ts hold --release', agent)).out,
      /released/,
    )
  })

  test('keys of Secrets: made, handed to the cluster, used', async () => {
    const [file, text] = Object.entries(world.printed.files(secret))[0]!
    await world.write({ [file]: text.replaceAll(/'vault:[^']*'/g, 'hunter2') })
    for (const page of [secret, secrets]) {
      const made = await run(page, 'age-keygen')
      const [key] = /age1\w+/.exec(made.out + made.said) ?? assert.fail(made.said)
      await run(page, 'kubectl')
      await writeFile(
        join(world.clone, 'db-secret.yaml'),
        text.replaceAll(/'vault:[^']*'/g, 'hunter2'),
      )
      await run(page, 'sops encrypt', { placeholders: { 'age1…': key } })
      await world.write({ 'key.agekey': null })
      const held = '/api/v1/namespaces/groundswell-system/secrets/groundswell-agent-sops'
      await kubeCall(plane, 'DELETE', held)
    }
    await world.write({ 'db-secret.yaml': null })
    const sealed = await readFile(join(world.clone, file), 'utf8')
    assert.doesNotMatch(sealed, /hunter2/)
    await run(secret, 'swell check')
  })

  test('receipts: the ledger is judged, ends where it is said to, is told and exported', async () => {
    await copyFile(join(world.hub.data, 'ledger/ledger.jsonl'), join(world.clone, 'ledger.jsonl'))
    const { out, said } = await run(applications, 'swell audit verify ledger.jsonl  ')
    const [head] = /sha256:[0-9a-f]{64}/.exec(out + said) ?? assert.fail(`${out}${said}`)
    await run(applications, 'swell audit verify ledger.jsonl --head', {
      placeholders: { 'sha256:…': head },
    })
    assert.match((await run(applications, 'swell audit log')).out, /rollout/)
    await run(applications, 'swell audit export')
    const cluster = { placeholders: { CLUSTER: 'lab' } }
    const receipts = await run(applications, 'swell get receipts', cluster)
    const [, id] = /^(\S+) .*\bstorefront\b/m.exec(receipts.out) ?? assert.fail(receipts.out)
    const receipt = await run(applications, 'swell audit receipt', {
      placeholders: { 'CLUSTER ID': `lab ${id}` },
    })
    assert.match(receipt.out, /Deployment/)
    assert.ok((await readFile(join(world.clone, 'may.jsonl'), 'utf8')).length > 0)
  })

  test('every command of these pages was run', () => {
    assert.deepEqual(world.printed.untried(), [])
  })
})
