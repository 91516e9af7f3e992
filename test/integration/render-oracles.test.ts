import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { HubError } from '../../hub/errors.ts'
import type { RenderEngine, RenderFiles, RenderInput } from '../../hub/render/engine.ts'
import { charts } from '../support/oracle-charts.ts'
import { kustomizations, top } from '../support/oracle-kustomizations.ts'
import { prepareOracles, type Printed, runOracle } from '../support/oracles.ts'
import { startRenderEngine } from '../support/render-engine.ts'
import { renderFiles, renderInput } from '../support/render-input.ts'
import { alone, findGoModule, findSamples, type Sample, writeSamples } from '../support/samples.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* What the official programs print for a directory, read as kubectl reads it, is what we render:
   digest for digest, on charts and kustomizations that other people ship. */

let engine: RenderEngine & AsyncDisposable
before(async () => {
  await prepareOracles()
  engine = await startRenderEngine({ workers: 2 })
})
after(() => engine.close())

type Outcome = { readonly objects: readonly string[] } | { readonly error: string }

/** Id and digest of every object, or why there is none. */
async function render(files: RenderFiles, given: Parameters<typeof renderInput>[0]) {
  const hash = createHash('sha1')
  for (const [path, bytes] of files) hash.update(`${path}\0${bytes.byteLength}\0`).update(bytes)
  const input: RenderInput = renderInput({ treeId: hash.digest('hex'), namespace: 'eu', ...given })
  try {
    const signal = new AbortController().signal
    const { objects } = await engine.render(input, () => Promise.resolve(files), signal)
    return {
      objects: objects.map(
        ({ id, json }) =>
          `${id.group}/${id.kind} ${id.namespace}/${id.name} ${createHash('sha256').update(json).digest('hex')}`,
      ),
    }
  } catch (error) {
    assert.ok(error instanceof HubError && error.code === 'render_failed', String(error))
    return { error: error.message }
  }
}

/** What a cluster would be sent if somebody applied what the program printed. */
async function apply(printed: Printed): Promise<Outcome> {
  if ('error' in printed) return printed
  return render(renderFiles({ 'printed.yaml': printed.text }), {})
}

interface Compared {
  readonly same: readonly string[]
  /** Neither renders it. */
  readonly refused: readonly string[]
  readonly different: readonly string[]
}

async function compare(
  samples: readonly Sample[],
  ours: (sample: Sample) => Promise<Outcome>,
  theirs: (sample: Sample) => Promise<Outcome>,
): Promise<Compared> {
  const [same, refused, different]: [string[], string[], string[]] = [[], [], []]
  for (const sample of samples) {
    const [mine, other] = await Promise.all([ours(sample), theirs(sample)])
    if ('error' in mine && 'error' in other) refused.push(`${sample.name}: ${mine.error}`)
    else if (JSON.stringify(mine) === JSON.stringify(other)) same.push(sample.name)
    else different.push(`${sample.name}\n  ours   ${say(mine)}\n  theirs ${say(other)}`)
  }
  return { same, refused, different }
}

const say = (outcome: Outcome) =>
  ('error' in outcome ? outcome.error : outcome.objects.join('; ')).slice(0, 600)

const asHelm = ({ files, path }: Sample) => render(files, { kind: 'helm', path })
const byHelm = async ({ directory }: Sample) =>
  apply(
    await runOracle('helm', [
      ...['template', 'shop', directory, '--namespace', 'eu'],
      ...['--include-crds', '--skip-tests'],
    ]),
  )
const asKustomize = ({ files, path }: Sample) => render(files, { kind: 'kustomize', path })
const byKustomize = async ({ directory }: Sample) =>
  apply(await runOracle('kustomize', ['build', directory]))

test("charts that Helm's and kwok's modules ship render as helm template renders them", async (t) => {
  const helm = await findGoModule('hub/engine', 'helm.sh/helm/v4')
  const kwok = await findGoModule('test/controlplane/kwok', 'sigs.k8s.io/kwok')
  const found = [
    ...(await findSamples('helm', helm, ['Chart.yaml'])).filter(
      ({ name }) => !/\/charts\//.test(name),
    ),
    ...(await findSamples('kwok', `${kwok}/charts`, ['Chart.yaml'])),
  ].map(alone)
  const { same, refused, different } = await compare(found, asHelm, byHelm)
  t.diagnostic(`${same.length} the same, ${refused.length} refused by both`)
  assert.deepEqual(different, [])
  assert.ok(same.length >= 40, `${same.length}`)
})

test('charts that use what charts use render as helm template renders them', async () => {
  await using directory = await createTempDir()
  const found = await writeSamples(directory.path, charts, '.')
  const { refused, different } = await compare(found, asHelm, byHelm)
  assert.deepEqual(different, [])
  assert.deepEqual(
    refused.map((line) => line.split(':')[0]),
    ['a schema that does not hold'],
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
  const { same, refused, different } = await compare(found, asKustomize, byKustomize)
  t.diagnostic(`${same.length} the same, ${refused.length} refused by both`)
  assert.deepEqual(different, [])
  assert.ok(same.length >= 20, `${same.length}`)
})

test('kustomizations that use what kustomizations use build as kustomize builds them', async () => {
  await using directory = await createTempDir()
  const found = await writeSamples(directory.path, kustomizations, top)
  const { refused, different } = await compare(found, asKustomize, byKustomize)
  assert.deepEqual(different, [])
  assert.deepEqual(
    refused.map((line) => line.split(':')[0]),
    ['a field nobody knows', 'a resource given twice', 'a patch without a target', 'a cycle'],
    refused.join('\n'),
  )
})
