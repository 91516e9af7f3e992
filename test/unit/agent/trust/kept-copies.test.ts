import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { beforeEach, describe, it } from 'node:test'
import { type Shelf, shelfBytes } from '../../../../agent/content/shelf.ts'
import { AgentError } from '../../../../agent/errors.ts'
import type { KeptStore } from '../../../../agent/trust/kept.ts'
import { createKeptCopies } from '../../../../agent/trust/kept-copies.ts'

const [one, two] = [Buffer.from('{"envelope":1}'), Buffer.from('{"envelope":2}')]

/** Bytes that no compression makes smaller. */
function noise(name: string, size: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, n) =>
    createHash('sha256').update(`${name} ${n}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, size)
}

describe('snapshots of before, on a disk and where they outlive it', () => {
  let far: Shelf & { content: Uint8Array | null; reads: number; fault?: AgentError | undefined }
  let said: string[]

  beforeEach(() => {
    said = []
    far = {
      label: 'Secret default/agent-content-kept',
      content: new Uint8Array(),
      reads: 0,
      async read() {
        this.reads += 1
        if (this.fault) throw this.fault
        return this.content
      },
      async write(packed) {
        if (this.fault) throw this.fault
        this.content = packed
      },
    }
  })

  function createDisk(): KeptStore & { saved: readonly Uint8Array[] | null } {
    return {
      saved: null,
      async load() {
        return this.saved
      },
      async save(envelopes) {
        this.saved = envelopes
      },
    }
  }
  const open = (near: KeptStore) =>
    createKeptCopies({ near, far, log: { warn: (_, message) => void said.push(message) } })
  const texts = (envelopes: readonly Uint8Array[] | null) =>
    envelopes?.map((envelope) => Buffer.from(envelope).toString())

  it('are there for a pod with an empty disk, in their order, and read once', async () => {
    await open(createDisk()).save([two, one])
    const disk = createDisk()
    assert.deepEqual(texts(await open(disk).load()), [two.toString(), one.toString()])
    assert.deepEqual(texts(await open(disk).load()), [two.toString(), one.toString()])
    assert.equal(far.reads, 1)
  })

  it('of a cluster that never had any cost one look for each disk', async () => {
    const disk = createDisk()
    for (let n = 0; n < 3; n += 1) assert.deepEqual(await open(disk).load(), [])
    assert.equal(far.reads, 1)
  })

  it('are looked for again when they could not be read', async () => {
    await open(createDisk()).save([one])
    const disk = createDisk()
    far.fault = new AgentError('cluster_unreachable', 'nobody there')
    assert.equal(await open(disk).load(), null)
    far.fault = undefined
    assert.deepEqual(texts(await open(disk).load()), [one.toString()])
    assert.deepEqual(said, ['kept snapshots cannot be read'])
  })

  it('F27: that were damaged are none', async () => {
    far.content = Buffer.from('gsc1 not what was kept')
    assert.equal(await open(createDisk()).load(), null)
  })

  it('F26: are on the disk where they cannot be written, and that is said', async () => {
    const disk = createDisk()
    far.fault = new AgentError('trust_state_unwritable', '403')
    await open(disk).save([one])
    assert.deepEqual(disk.saved, [one])
    assert.deepEqual(said, ['kept snapshots do not outlive the disk'])
  })

  it('F28: that another agent wrote end this one', async () => {
    far.fault = new AgentError('another_agent', 'written by another agent')
    await assert.rejects(open(createDisk()).save([one]), { code: 'another_agent' })
  })

  it('are the newest that fit', async () => {
    const large = ['a', 'b', 'c'].map((name) => noise(name, 400_000))
    await open(createDisk()).save(large)
    assert.ok(far.content!.byteLength <= shelfBytes)
    const found = await open(createDisk()).load()
    assert.deepEqual(
      found?.map((one) => Buffer.compare(one, large[0]!)),
      [0, Buffer.compare(large[1]!, large[0]!)],
    )
  })
})
