import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadFleet } from '../../hub/fleet/load/load.ts'
import { planRenders } from '../../hub/fleet/input/plan-renders.ts'
import { resolveTargets } from '../../hub/fleet/resolve/resolve.ts'
import { createMirrorWorld, fetchCommit } from '../support/mirror-world.ts'

const place = (path: string) => fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url))
const example = place('example')

test('the example goes from Git to render inputs without a fault, and an unrelated commit changes none', async () => {
  await using world = await createMirrorWorld()
  const repository = await world.createRepository({ from: example })
  const mirror = await world.openMirror(repository)
  const other = await world.openMirror(
    await world.createRepository({ from: place('example-greeter') }),
  )
  const greeter = { mirror: other, commit: await fetchCommit(other) }

  async function plan() {
    const commit = await fetchCommit(mirror)
    const { files } = await mirror.readTree(commit, 'fleet')
    const blobs = await mirror.readBlobs(files.map((file) => file.oid))
    const fleet = loadFleet(
      `main@sha1:${commit}`,
      files.map(({ path }, index) => ({ path, bytes: blobs[index]! })),
    )
    const { targets, faults } = resolveTargets(fleet)
    assert.deepEqual(faults, [])
    const planned = await planRenders(
      targets,
      (name) => (name === 'greeter' ? greeter : { mirror, commit }),
      () => [],
      () => assert.fail('no chart is asked for'),
    )
    return planned.map((render) => {
      assert.ok('input' in render, 'error' in render ? String(render.error) : '')
      return render.input
    })
  }

  const first = await plan()
  assert.ok(first.length > 0)
  assert.deepEqual([...new Set(first.map((input) => input.kind))].sort(), [
    'directory',
    'helm',
    'kustomize',
  ])
  await repository.commit({ 'unrelated/x.yaml': 'x: 1\n' })
  assert.deepEqual(await plan(), first)
})
