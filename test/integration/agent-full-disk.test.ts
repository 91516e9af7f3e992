import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../agent/cluster/clock.ts'
import { createFileContentCache, createFileStateCopy } from '../../agent/trust/fs.ts'
import { createMirroredTrust } from '../../agent/trust/mirror.ts'
import { createCrashWorld } from '../support/crash-world.ts'
import { createMemoryCluster } from '../support/memory-cluster.ts'
import type { Desired } from '../support/oracle.ts'
import { makeSigningKey } from '../support/signing-key.ts'
import { mountSmallDisk, runInNamespace } from '../support/small-disk.ts'
import { until } from '../support/until.ts'

const soon = { deadlineMs: 15_000, intervalMs: 5 } as const
const haste = 20
const clock = {
  now: () => performance.now() * haste,
  sleep: (ms: number, signal: AbortSignal) => systemClock.sleep(ms / haste, signal),
}

test('F26: an agent whose disk is really full accepts nothing, says so, heals on, also over a restart, and goes on when there is room', async (t) => {
  const disk = await mountSmallDisk(256)
  if (!disk) {
    const run = runInNamespace(fileURLToPath(import.meta.url))
    if (!run) return t.skip('no file system may be mounted here')
    return assert.ok(run.ok, run.text)
  }
  await using _ = disk
  const cluster = createMemoryCluster()
  const key = await makeSigningKey()
  const trust = createMirroredTrust([createFileStateCopy(disk.path)], Buffer.from('{}'))
  await trust.save({
    ...{ root: Buffer.from('{}'), epoch: 1, sequence: 0, snapshotDigest: null, envelope: null },
  })
  const content = createFileContentCache(disk.path)
  const world = createCrashWorld(cluster, key, 'shop', { clock, trust, content })
  const wanted = (text: string): Desired => new Map([['c0', { application: 'one-shop', text }]])
  const read = () => (cluster.read('/ConfigMap/shop/c0')?.['data'] as { text?: string })?.text
  const drift = () =>
    cluster.edit('/ConfigMap/shop/c0', 'somebody', (object) => ({ ...object, data: { text: '!' } }))

  await world.commit(wanted('1'))
  const first = world.start()
  await first.inSync()
  await first.kill()
  disk.fill()
  await world.commit(wanted('2'))
  const saved = readFileSync(join(disk.path, 'trust.json'), 'utf8')

  // Killed and started again while it is full: what was accepted is what is gone on from.
  for (let life = 0; life < 2; life += 1) {
    const full = world.start()
    const refusals = () =>
      world.hub
        .last()
        .heard('verdict')
        .filter(({ accepted }) => !accepted)
    await until(() => refusals().length > 0, { ...soon, what: 'the refusal' })
    assert.equal(refusals()[0]?.code, 'trust_state_unwritable')
    drift()
    await until(() => read() === '1', { ...soon, what: 'the repair' })
    await full.kill()
    assert.equal(readFileSync(join(disk.path, 'trust.json'), 'utf8'), saved)
  }
  const last = world.start()
  await until(() => world.hub.last().heard('verdict').length > 0, { ...soon, what: 'the refusal' })
  disk.free()
  await last.inSync()
  assert.equal(read(), '2')
  assert.deepEqual(
    world.recorded.deleted.map(({ id }) => id),
    [],
  )
  await last.kill()
})
