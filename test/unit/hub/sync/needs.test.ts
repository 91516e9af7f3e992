import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ApplyRules } from '@groundswell/proto/apply-rules.ts'
import { digestOf } from '@groundswell/proto/digest.ts'
import { features } from '@groundswell/proto/features.ts'
import { encodeManifest, type Manifest } from '@groundswell/proto/manifest.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import { createNeeds } from '../../../../hub/sync/needs.ts'
import { createMemoryContent } from '../../../support/memory-stores.ts'

const plain: Manifest = {
  ...{ v: 1, application: 'shop', targetNamespace: '', drift: 'correct' },
  ...{ deletionPolicy: 'Delete', prune: { enabled: true, allowEmpty: false }, objects: [] },
}
const withRules = (rules: ApplyRules): Manifest => {
  const object = { id: 'batch/Job/n/x', apiVersion: 'batch/v1', digest: digestOf('x') }
  return { ...plain, objects: [{ ...object, size: 1, file: '', rules }] }
}

function createWorld() {
  const content = createMemoryContent()
  let rebuilt = 0
  const whyTooOld = createNeeds({ content, rebuild: async () => void (rebuilt += 1) })
  const list = async (manifest: Manifest): Promise<readonly SnapshotApplication[]> => {
    const bytes = Buffer.from(encodeManifest(manifest))
    const digest = digestOf(bytes)
    await content.put([{ digest, bytes }])
    const one = { name: 'shop', generation: 1, state: 'present', revision: 'r' } as const
    return [{ ...one, manifest: { digest, size: bytes.byteLength } }]
  }
  const old = (...known: string[]) => ({ version: '0.1', features: new Set(known) })
  return { whyTooOld, list, old, rebuilt: () => rebuilt }
}

describe('F49: an agent that does not say it understands what a manifest asks', () => {
  const hook = (event: 'pre' | 'pre-delete') =>
    withRules({ hook: { events: [event], cleanup: [] } })

  for (const [title, manifest, known, lacking] of [
    ['hooks', hook('pre'), [], 'apply-rules'],
    ['hooks of a removal', hook('pre-delete'), ['apply-rules'], 'deletion-hooks'],
    ['a ServiceAccount', { ...plain, serviceAccount: 'shop/x' }, [], 'service-account'],
    ['an order of applications', { ...plain, dependsOn: [{ name: 'db' }] }, [], 'dependencies'],
    ['an adoption', { ...plain, adoption: 'Never' }, [], 'adoption'],
  ] as const) {
    it(`is too old for ${title}, and told what it lacks`, async () => {
      const world = createWorld()
      const list = await world.list(manifest)
      const why = await world.whyTooOld('c1', world.old(...known), list)
      assert.match(
        why ?? '',
        new RegExp(`^shop needs ${lacking}, .*\\(0\\.1\\).*replace the agent`),
      )
      assert.equal(await world.whyTooOld('c1', world.old(...known, lacking), list), undefined)
    })
  }

  it('has all that asks for nothing new, and what is to go', async () => {
    const world = createWorld()
    assert.equal(await world.whyTooOld('c1', world.old(), await world.list(plain)), undefined)
    const gone = { name: 'x', generation: 1, state: 'removed', deletionPolicy: 'Delete' } as const
    assert.equal(await world.whyTooOld('c1', world.old(), [gone]), undefined)
  })

  it('is too old for a snapshot that spares objects: it would delete them', async () => {
    const world = createWorld()
    const gone = { name: 'x', generation: 1, state: 'removed', deletionPolicy: 'Delete' } as const
    const [there] = await world.list(plain)
    for (const sparing of [{ leave: ['*'] }, { undo: true }] as const) {
      for (const one of [gone, there!]) {
        const list = [{ ...one, ...sparing }]
        const why = await world.whyTooOld('c1', world.old(), list)
        assert.match(why ?? '', new RegExp(`^${one.name} needs sparing, `))
        assert.equal(await world.whyTooOld('c1', world.old('sparing'), list), undefined)
      }
    }
  })

  it('costs nothing where it understands everything, and guesses nothing where content is lost', async () => {
    const world = createWorld()
    const lost = { name: 'x', generation: 1, state: 'present', revision: 'r' } as const
    const list = [{ ...lost, manifest: { digest: digestOf('nowhere'), size: 1 } }]
    assert.equal(
      await world.whyTooOld('c1', world.old(...features, 'of tomorrow'), list),
      undefined,
    )
    assert.equal(world.rebuilt(), 0)
    await assert.rejects(world.whyTooOld('c1', world.old(), list), { code: 'content_missing' })
    assert.equal(world.rebuilt(), 1)
  })
})
