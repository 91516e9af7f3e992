import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RenderEngine } from '../../hub/render/engine.ts'
import { createComparison } from '../support/comparison.ts'
import { charts } from '../support/oracle-charts.ts'
import { kustomizations, top } from '../support/oracle-kustomizations.ts'
import { prepareOracles } from '../support/oracles.ts'
import { startRenderEngine } from '../support/render-engine.ts'
import { alone, findGoModule, findSamples, type Sample, writeSamples } from '../support/samples.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* What the official programs print for a directory, read as kubectl reads it, is what we render:
   digest for digest, on charts and kustomizations that other people ship. */

let engine: RenderEngine & AsyncDisposable
let comparison: ReturnType<typeof createComparison>
before(async () => {
  await prepareOracles()
  engine = await startRenderEngine({ workers: 2 })
  comparison = createComparison(engine)
})
after(() => engine.close())

test("charts that Helm's and kwok's modules ship render as helm template renders them", async (t) => {
  const helm = await findGoModule('hub/engine', 'helm.sh/helm/v4')
  const kwok = await findGoModule('test/controlplane/kwok', 'sigs.k8s.io/kwok')
  const found = [
    ...(await findSamples('helm', helm, ['Chart.yaml'])).filter(
      ({ name }) => !/\/charts\//.test(name),
    ),
    ...(await findSamples('kwok', `${kwok}/charts`, ['Chart.yaml'])),
  ].map(alone)
  const { same, refused, different } = await comparison.charts(found)
  t.diagnostic(`${same.length} the same, ${refused.length} refused by both`)
  assert.deepEqual(different, [])
  assert.ok(same.length >= 40, `${same.length}`)
})

test('charts that use what charts use render as helm template renders them', async () => {
  await using directory = await createTempDir()
  const found = await writeSamples(directory.path, charts, '.')
  const { refused, different } = await comparison.charts(found)
  assert.deepEqual(different, [])
  assert.deepEqual(
    refused.map((line) => line.split(':')[0]),
    ['a library chart by itself', 'a schema that does not hold'],
    refused.join('\n'),
  )
})

test('kustomizations that other modules ship build as kustomize builds them', async (t) => {
  const places = [
    ['hub/engine', 'sigs.k8s.io/kustomize/api', '/krusty/testdata'],
    ['test/controlplane/kwok', 'sigs.k8s.io/kwok', '/kustomize'],
    ['test/controlplane/kubernetes', 'k8s.io/kubernetes', '/hack/testdata/kustomize'],
    ['test/controlplane/kubernetes', 'k8s.io/pod-security-admission', '/webhook'],
    ['test/controlplane/kubernetes', 'github.com/google/cadvisor', '/deploy/kubernetes'],
  ] as const
  const found: Sample[] = []
  for (const [of, module, below] of places) {
    const at = (await findGoModule(of, module)) + below
    found.push(...(await findSamples(module, at, ['kustomization.yaml', 'kustomization.yml'])))
  }
  const { same, refused, different } = await comparison.kustomizations(found)
  t.diagnostic(`${same.length} the same, ${refused.length} refused by both`)
  assert.deepEqual(different, [])
  assert.ok(same.length >= 20, `${same.length}`)
})

test('kustomizations that use what kustomizations use build as kustomize builds them', async () => {
  await using directory = await createTempDir()
  const found = await writeSamples(directory.path, kustomizations, top)
  const { refused, different } = await comparison.kustomizations(found)
  assert.deepEqual(different, [])
  assert.deepEqual(
    refused.map((line) => line.split(':')[0]),
    [
      'a kustomization of comments',
      'a field nobody knows',
      'a resource given twice',
      'a patch without a target',
      'a cycle',
    ],
    refused.join('\n'),
  )
})
