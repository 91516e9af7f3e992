import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { setUpKubectl } from '../../deploy/setup/kubectl.mjs'
import { kubectlPath } from '../../deploy/setup/paths.mjs'
import { countApiRequests } from '../support/api-requests.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { createConfig, createHands, createNamespace } from '../support/hands.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'
import { presentApplication, verifiedSnapshot } from '../support/verified-snapshot.ts'

const never = new AbortController().signal
const objects = 200

describe('what applying costs an API server, by its own count', () => {
  let plane: ControlPlane
  let home: TempDir

  before(async () => {
    await setUpKubectl()
    home = await createTempDir('kubectl')
    plane = await startControlPlane({ name: 'cost' })
  })
  after(async () => {
    await plane?.stop()
    await home?.remove()
  })

  const kubectl = async (...args: readonly string[]) => {
    const { stdout } = await promisify(execFile)(
      kubectlPath(),
      ['--kubeconfig', plane.kubeconfig, ...args],
      { env: { HOME: home.path, KUBECTL_APPLYSET: 'true' } },
    )
    return stdout
  }
  const bring = async (
    hands: Awaited<ReturnType<typeof createHands>>,
    generation: number,
    text = '',
  ) => {
    const configs = Array.from({ length: objects }, (_, at) =>
      createConfig('cost', `config-${at}`, { text: at === 0 ? text : '' }),
    )
    const app = presentApplication('cost', [createNamespace('cost'), ...configs], { generation })
    const start = await countApiRequests(plane, ['configmaps'])
    await hands.workloads.reconcile(verifiedSnapshot(app), never)
    const end = await countApiRequests(plane, ['configmaps'])
    assert.equal(hands.state('cost')?.phase, 'Applied')
    return { writes: end.writes - start.writes, gets: end.gets - start.gets }
  }

  it('is a write an object, two for one that changed, and nothing for nothing', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const first = await bring(hands, 1)
    // The inventory before each half and after all, and once where its namespace is not there.
    assert.ok(first.writes <= objects + 4, `${first.writes} writes`)
    assert.ok(first.gets <= 3, `${first.gets} reads`)
    assert.deepEqual(await bring(hands, 2, 'changed'), { writes: 2, gets: 0 })
    assert.deepEqual(await bring(hands, 3, 'changed'), { writes: 0, gets: 0 })
  })

  it('is nothing but a look at what there is for an agent that starts', async () => {
    await using hands = await createHands(plane.kubeconfig)
    const { writes, gets } = await bring(hands, 3, 'changed')
    assert.equal(writes, 0)
    assert.ok(gets <= 2, `${gets} reads: its inventory, and one list a kind`)
  })

  it('keeps a set that kubectl reads, and does not take for its own', async () => {
    const parent = 'configmap/groundswell-inventory-cost'
    const id = await kubectl(
      ...['get', parent, '-n', 'groundswell-system'],
      ...['-o', 'jsonpath={.metadata.labels.applyset\\.kubernetes\\.io/id}'],
    )
    const members = await kubectl(
      ...['get', 'configmap', '-A', '-o', 'name'],
      ...['-l', `applyset.kubernetes.io/part-of=${id}`],
    )
    assert.equal(members.trim().split('\n').length, objects)
    const file = `${home.path}/empty.json`
    await writeFile(file, JSON.stringify(createConfig('groundswell-system', 'other')))
    await assert.rejects(
      kubectl(
        ...['apply', '--server-side', '-f', file, '-n', 'groundswell-system'],
        ...['--prune', `--applyset=${parent.replace('configmap', 'configmaps')}`],
      ),
      /groundswell-inventory-cost" already exists and is managed by tooling "groundswell"/,
    )
    assert.equal(
      await kubectl('get', 'configmap/config-1', '-n', 'cost', '-o', 'name'),
      'configmap/config-1\n',
    )
  })
})
