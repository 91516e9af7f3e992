import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { createStanding } from '../../../agent/standing.ts'
import type { KeptStore } from '../../../agent/trust/kept.ts'
import { buildBundle } from '../../../hub/bundle/build.ts'
import type { SigningKey } from '../../../hub/bundle/sign.ts'
import { createManualClock } from '../../support/manual-clock.ts'
import { createMemoryTrust } from '../../support/memory-stores.ts'
import {
  agentIdentity,
  bundleOf,
  createCheckingCache,
  fetchFrom,
  signOffer,
} from '../../support/signed-offer.ts'
import { makeSigningKey, rootOf } from '../../support/signing-key.ts'
import { blankTrust } from './agent-world.ts'

const [one, two, three] = [bundleOf('shop', '1'), bundleOf('shop', '2'), bundleOf('shop', '3')]
const backup = { name: 'backup', annotations: { 'helm.sh/hook': 'pre-delete' } }
const leaving = buildBundle(
  [
    {
      id: { group: '', kind: 'ConfigMap', namespace: 'n', name: 'backup' },
      ...{ apiVersion: 'v1', json: JSON.stringify({ metadata: backup }), file: '' },
    },
  ],
  {
    ...{
      application: 'shop',
      targetNamespace: '',
      prune: true,
      allowEmpty: true,
      drift: 'correct',
    },
    deletionPolicy: 'Delete',
  },
)

describe('what a hold keeps running', () => {
  let key: SigningKey
  before(async () => {
    key = await makeSigningKey()
  })

  function createDisk() {
    const clock = createManualClock()
    const trust = createMemoryTrust(blankTrust)
    const content = createCheckingCache()
    const kept = { envelopes: [] as readonly Uint8Array[] }
    const store: KeptStore = {
      load: async () => kept.envelopes,
      save: async (envelopes) => void (kept.envelopes = envelopes),
    }
    const { session } = fetchFrom(one, two, three, leaving)
    async function start(root = rootOf('f', key)) {
      const standing = createStanding({
        identity: agentIdentity,
        root,
        trust,
        content,
        kept: store,
        clock: clock.now,
        monotonic: clock.now,
        nonce: () => Buffer.alloc(32, 1),
        onEquivocation: () => {},
      })
      await standing.load()
      await standing.reopen()
      return standing
    }
    return { content, kept, session, start }
  }

  const give = async (sequence: number, bundle: typeof one) => ({
    envelope: (await signOffer(key, sequence, bundle)).envelope,
    approvals: [],
    pushed: async () => new Map(),
  })
  const manifests = (standing: Awaited<ReturnType<ReturnType<typeof createDisk>['start']>>) =>
    standing
      .earlier()
      .flatMap(({ applications }) =>
        applications.map((one) => (one.state === 'present' ? one.manifestDigest : null)),
      )

  it('stays at hand with its content while it is needed, over a restart, and then goes', async () => {
    const disk = createDisk()
    const standing = await disk.start()
    for (const [at, bundle] of [one, two, three].entries()) {
      await standing.accept(await give(at + 1, bundle), disk.session)
      await standing.sweep(new Set([one.manifest.digest]))
    }
    assert.deepEqual(manifests(standing), [one.manifest.digest])
    assert.equal(disk.kept.envelopes.length, 1)
    assert.ok(disk.content.blobs.has(one.objects[0]!.digest))
    assert.ok(!disk.content.blobs.has(two.objects[0]!.digest))
    const again = await disk.start()
    assert.deepEqual(manifests(again), [one.manifest.digest])
    assert.equal(again.position().sequence, 3)
    await again.sweep(new Set())
    assert.deepEqual(manifests(again), [])
    assert.equal(disk.kept.envelopes.length, 0)
    assert.ok(!disk.content.blobs.has(one.objects[0]!.digest))
  })

  it('of an application that is to go is written down before its tombstone counts, where a hook is to run', async () => {
    const disk = createDisk()
    const standing = await disk.start()
    await standing.accept(await give(1, leaving), disk.session)
    const removed = {
      name: 'shop',
      generation: 2,
      state: 'removed',
      deletionPolicy: 'Delete',
    } as const
    const { envelope } = await signOffer(key, 2, leaving, { applications: [removed] })
    await standing.accept({ ...(await give(1, leaving)), envelope }, disk.session)
    // Killed before anything else.
    const again = await disk.start()
    assert.equal(again.position().sequence, 2)
    assert.deepEqual(manifests(again), [leaving.manifest.digest])
    await again.sweep(new Set())
    assert.equal(disk.kept.envelopes.length, 0)
  })

  it('is judged again: another signer’s, one from the future, or one without content, is nothing', async () => {
    const disk = createDisk()
    const standing = await disk.start()
    await standing.accept(await give(3, three), disk.session)
    const other = await makeSigningKey()
    disk.kept.envelopes = [
      (await signOffer(other, 1, one)).envelope,
      (await signOffer(key, 9, three)).envelope,
      (await signOffer(key, 2, two)).envelope,
      Buffer.from('{}'),
    ]
    assert.deepEqual(manifests(await disk.start()), [])
  })
})
