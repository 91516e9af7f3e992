import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import type { PolicyGate } from '../../../../hub/policy/gate.ts'
import { type Policy, schemaPolicy } from '../../../../hub/policy/policy.ts'
import { createAttesting } from '../../../../hub/render/attest.ts'
import { createContents } from '../../../../hub/render/contents.ts'
import { createPatience } from '../../../../hub/render/patience.ts'
import { createRoom } from '../../../../hub/render/room.ts'
import type { Attestation } from '../../../../hub/signer/attestation.ts'
import { createMemoryContent } from '../../../support/memory-stores.ts'
import { clusters, fleetOf, mirrorOf, never, noCharts, perSite, world } from './contents-world.ts'

const names = Array.from({ length: 500 }, (_, n) => `app-${n}`)
const next = `main@sha1:${'d'.repeat(40)}`

/** Five hundred applications on one cluster, each with a directory of its own. */
function monorepo() {
  const files: Record<string, string> = { 'other/a.yaml': 'changed' }
  for (const name of names) files[`apps/${name}/a.yaml`] = name
  const made = world(files)
  const asked = { missing: 0, put: 0 }
  const { missing, put } = made.content
  made.content.missing = (digests) => ((asked.missing += 1), missing(digests))
  made.content.put = (blobs) => ((asked.put += 1), put(blobs))
  return { ...made, files, asked }
}

describe('a newer commit of a repository with five hundred applications', () => {
  const fleet = fleetOf(['a'], Object.fromEntries(names.map((name) => [name, ''])))

  test('that touches one: one render, and the store is asked once for all others', async () => {
    const { contents, rendered, files, asked } = monorepo()
    await contents.render({ fleet, revisions: new Map([['fleet', fleet.revision]]) }, never)
    rendered.length = 0
    Object.assign(asked, { missing: 0, put: 0 })
    files['apps/app-37/a.yaml'] = 'changed'
    const newer = { ...fleet, revision: next }
    const made = await contents.render(
      { fleet: newer, revisions: new Map([['fleet', next]]) },
      never,
    )
    assert.equal(rendered.length, 1)
    assert.deepEqual(asked, { missing: 1, put: 1 })
    assert.deepEqual([made.faults, made.applications.size], [[], names.length])
  })

  test('is told to the signer as far as it changed something', async () => {
    const { contents, files } = monorepo()
    const told: Attestation[] = []
    const attestor = { attest: async (one: Attestation) => void told.push(one) }
    const { attest, forget } = createAttesting({ attestor, urlOf: () => 'https://git/apps' })
    const look = async (revision: string): Promise<string[]> => {
      told.length = 0
      const at = { ...fleet, revision }
      const revisions = new Map([['fleet', revision]])
      await attest(at, await contents.render({ fleet: at, revisions }, never))
      return told.flatMap(({ applications }) => applications.map(({ name }) => name))
    }
    assert.equal((await look(fleet.revision)).length, names.length)
    assert.deepEqual(await look(next), [])
    files['apps/app-37/a.yaml'] = 'changed'
    assert.deepEqual(await look(fleet.revision), ['app-37'])
    assert.equal(told[0]?.applications[0]?.contents[0]?.revision, fleet.revision)
    forget()
    assert.equal((await look(next)).length, names.length)
  })
})

describe('what is remembered of a target', () => {
  test('holds while nothing it is held to changes: policies, health checks, facts, the fleet', async () => {
    const api = 'apiVersion: groundswell.dev/v1alpha1'
    const documents = [
      `${api}\nkind: Cluster\nmetadata: { name: a }\nspec: {}\n`,
      `${api}\nkind: Application\nmetadata: { name: shop }\nspec: { source: { path: apps/shop }, targets: [{ clusters: [a] }] }\n`,
      `${api}\nkind: Policy\nmetadata: { name: default }\nspec: { schema: {} }\n`,
    ]
    const load = (more = '') =>
      loadFleet(next, [{ path: 'f.yaml', bytes: Buffer.from([...documents, more].join('---\n')) }])
    const fleet = load()
    let policy: Policy = schemaPolicy
    const judged: string[] = []
    const gate: PolicyGate = {
      load: async () => ({ policies: [policy], warnings: [] }),
      judge: async ({ policies, kubernetesVersion }) => {
        judged.push(`${policies[0]!.digest.slice(7, 11)} ${kubernetesVersion}`)
        return []
      },
    }
    const mirror = mirrorOf({ 'apps/shop/a.yaml': 'shop' })
    let renders = 0
    const engine = {
      version: 'sha256:engine',
      render: async () => {
        renders += 1
        const id = { group: '', kind: 'ConfigMap', namespace: 'x', name: 'c' }
        return { objects: [{ id, apiVersion: 'v1', json: '{}', file: 'a.yaml' }], warnings: [] }
      },
      close: async () => {},
    }
    const contents = createContents({
      ...{ engine, gate, charts: noCharts, content: createMemoryContent() },
      mirror: () => mirror,
      patience: createPatience(() => 0),
      room: createRoom(1_000_000, 1),
    })
    const look = async (of = fleet, version = 'v1.34.1'): Promise<number> => {
      renders = 0
      const facts = new Map([['a', { kubernetesVersion: version }]])
      const made = await contents.render(
        { fleet: of, revisions: new Map([['fleet', next]]), facts },
        never,
      )
      assert.deepEqual(made.faults, [])
      return renders
    }
    assert.deepEqual([await look(), await look()], [1, 0])
    policy = { ...schemaPolicy, digest: digestOf('stricter') }
    assert.deepEqual([await look(), await look()], [1, 0])
    assert.deepEqual([await look(fleet, 'v1.35.0'), await look(fleet, 'v1.35.0')], [1, 0])
    assert.deepEqual(
      judged.map((line) => line.split(' ')[1]),
      ['1.34', '1.34', '1.35'],
    )
    assert.equal(new Set(judged).size, 3)
    const health = `${api}\nkind: HealthCheck\nmetadata: { name: jobs }\nspec: { healthCheckExprs: [{ apiVersion: example.org/v1, kind: Job, current: 'true' }] }\n`
    assert.equal(await look(load(health), 'v1.35.0'), 1)
    assert.equal(await look(load(), 'v1.35.0'), 0, 'as it was')
  })

  test('another label of a cluster is another target', async () => {
    const { contents, rendered } = world({ 'apps/shop/a.yaml': 'shop' })
    const revisions = new Map([['fleet', next]])
    for (const names of [['a'], ['b'], clusters]) {
      await contents.render({ fleet: fleetOf(names, { shop: perSite }), revisions }, never)
    }
    assert.equal(new Set(rendered.map(({ namespace }) => namespace)).size, clusters.length + 2)
  })
})
