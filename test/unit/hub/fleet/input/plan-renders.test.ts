import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../../hub/errors.ts'
import { planRenders } from '../../../../../hub/fleet/input/plan-renders.ts'
import type { ResolvedTarget } from '../../../../../hub/fleet/resolve/resolve.ts'

function target(application: string, cluster: string, path: string): ResolvedTarget {
  return {
    application,
    cluster,
    target: 0,
    targetName: 'all',
    repository: 'fleet',
    path,
    kind: undefined,
    directory: {},
    bases: [],
    ...{ kubernetesVersion: '', apiVersions: [], served: false, judgedVersion: '' },
    releaseName: application,
    values: {},
    valuesFiles: [],
    patches: [],
    namespace: '',
    createNamespace: false,
  }
}

function createMirror() {
  const read: string[] = []
  return {
    read,
    readTree: async (_: string, path: string) => {
      read.push(path)
      if (path === 'gone') throw new HubError('revision_not_found', 'gone')
      return { id: path, files: [] }
    },
    readBlobs: async () => [],
  }
}

const none = () => []
const noChart = () => assert.fail('asked for a chart')

test('a thousand clusters of one application cost one look at its files', async () => {
  const mirror = createMirror()
  const targets = Array.from({ length: 1_000 }, (_, index) => target('shop', `c${index}`, 'shop'))
  const planned = await planRenders(targets, () => ({ mirror, commit: 'c' }), none, noChart)
  assert.equal(planned.length, 1_000)
  assert.deepEqual(mirror.read, ['shop'])
})

test("one application's fault does not stop another's, and is told for each of its clusters", async () => {
  const mirror = createMirror()
  const targets = [target('bad', 'a', 'gone'), target('bad', 'b', 'gone'), target('good', 'a', 'x')]
  const planned = await planRenders(targets, () => ({ mirror, commit: 'c' }), none, noChart)
  assert.deepEqual(
    planned.map((render) => 'error' in render),
    [true, true, false],
  )
})

test('targets of a repository that was never fetched are left out, not emptied', async () => {
  assert.deepEqual(
    await planRenders([target('shop', 'a', 'shop')], () => undefined, none, noChart),
    [],
  )
})
