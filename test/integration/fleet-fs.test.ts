import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createFleetFile } from '../../hub/fleet/memory/fs.ts'
import { loadFleet } from '../../hub/fleet/load/load.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'

const text = `apiVersion: groundswell.dev/v1alpha1
kind: Cluster
metadata: { name: a, labels: { ring: canary } }
spec: {}
---
apiVersion: groundswell.dev/v1alpha1
kind: Application
metadata: { name: web }
spec:
  source: { path: apps/web }
  targets: [{ clusterSelector: { matchLabels: { ring: canary } } }]
  targetNamespace: web
`
const files = [{ path: 'fleet/all.yaml', bytes: Buffer.from(text) }]
const known = { tree: 't1', fleet: loadFleet(`main@sha1:${'1'.repeat(40)}`, files) }
const reader = { build: 'b1', path: 'fleet' }

describe('the file of the fleet that was read last', () => {
  let directory: TempDir
  let file: string
  before(async () => {
    directory = await createTempDir('fleet-file')
    file = join(directory.path, 'mirrors', 'last-fleet')
  })
  after(() => directory.remove())

  it('has all of it for the next process', async () => {
    assert.equal(await createFleetFile(file, reader).recall(), undefined)
    await createFleetFile(file, reader).keep(known)
    assert.deepEqual(await createFleetFile(file, reader).recall(), known)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
  })

  it('is nothing to another build, nor for another directory', async () => {
    await createFleetFile(file, reader).keep(known)
    assert.equal(await createFleetFile(file, { ...reader, build: 'b2' }).recall(), undefined)
    assert.equal(await createFleetFile(file, { ...reader, path: '.' }).recall(), undefined)
  })

  it('is not written again for the same tree, and is when it was damaged', async () => {
    const same = createFleetFile(file, reader)
    await same.keep(known)
    await writeFile(file, 'damaged')
    await same.keep(known)
    assert.equal(await readFile(file, 'utf8'), 'damaged')
    const next = createFleetFile(file, reader)
    assert.equal(await next.recall(), undefined)
    await next.keep(known)
    assert.deepEqual(await next.recall(), known)
  })

  it('is left alone where it cannot be written', async () => {
    const nowhere = createFleetFile(join(file, 'below'), reader)
    await nowhere.keep(known)
    assert.equal(await nowhere.recall(), undefined)
  })
})
