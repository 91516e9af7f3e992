import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFleet } from '../../hub/fleet/load/load.ts'
import type { ClusterPlace } from '../demo/cluster.ts'
import { adaptExample, applications, readExample, splitExample } from '../demo/example.ts'

const example = await readExample((name) => `https://git.example/${name}.git`)

function load(files: Readonly<Record<string, string>>) {
  const configuration = Object.entries(files).filter(([path]) => path.startsWith('fleet/'))
  return loadFleet(
    'main@sha1:0000000000000000000000000000000000000000',
    configuration.map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
  )
}

function place(name: string, ring: ClusterPlace['ring'], context = name): ClusterPlace {
  return { name, ring, kubeconfig: '/kubeconfig', context }
}

test('before the first rollout there are clusters and groups, and no application', () => {
  const fleet = load(splitExample(example).fleet)
  assert.deepEqual([...fleet.clusters.keys()].sort(), ['lab', 'oregon', 'paris'])
  assert.equal(fleet.applications.size, 0)
})

test('the two parts together are the whole example', () => {
  const { fleet, releases } = splitExample(example)
  assert.deepEqual({ ...fleet, ...releases }, example)
  const loaded = load({ ...fleet, ...releases })
  assert.deepEqual([...loaded.applications.keys()].sort(), [...applications].sort())
})

test('given clusters take the place of its own, each with its ring and its context as display name', () => {
  const places = [place('one', 'canary', 'a "quoted": name'), place('two', 'production')]
  const { clusters } = load(adaptExample(example, places))
  assert.deepEqual([...clusters.keys()].sort(), ['one', 'two'])
  assert.equal(clusters.get('one')?.spec.displayName, 'a "quoted": name')
  assert.equal(clusters.get('one')?.labels['ring'], 'canary')
  assert.equal(clusters.get('two')?.labels['ring'], 'production')
})

test('given clusters get time to pull images', () => {
  const adapted = adaptExample(example, [place('one', 'canary')])
  const text = Object.values(adapted).join('\n')
  assert.doesNotMatch(text, /progressDeadline: 60s|progressDeadlineSeconds: 20$/m)
  assert.match(text, /progressDeadline: 10m/)
  assert.match(text, /progressDeadlineSeconds: 120/)
})
