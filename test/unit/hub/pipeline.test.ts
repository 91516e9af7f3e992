import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Fault, HubError } from '../../../hub/errors.ts'
import type { Fleet } from '../../../hub/fleet/fleet.ts'
import { emptyState } from '../../../hub/ledger/replay.ts'
import { createPipeline, type PipelineDeps } from '../../../hub/pipeline.ts'
import type { Contents } from '../../../hub/render/contents.ts'
import type { Mirror } from '../../../hub/source/source.ts'

const api = 'apiVersion: groundswell.dev/v1alpha1'
const clusterFile = (name: string) =>
  `${api}\nkind: Cluster\nmetadata: { name: ${name} }\nspec: {}\n`
const repositoryFile = (name: string) =>
  `${api}\nkind: Repository\nmetadata: { name: ${name} }\nspec: { url: 'https://git.example/x.git', ref: { branch: main } }\n`
const at = (digit: string) => `main@sha1:${digit.repeat(40)}`
const nothing: Contents = { applications: new Map(), faults: [], skipped: new Map() }

/** A pipeline over a fleet repository in memory: a commit's first digit → its one file. */
function world(commits: Record<string, string> = {}) {
  const state = emptyState()
  const accepted: string[] = []
  const followed = new Set<string>(['fleet'])
  const renders: string[] = []
  const decided: string[] = []
  const told: (string | undefined)[] = []
  const read: string[] = []
  const life = new AbortController()
  const world = {
    unreachable: false,
    render: async (fleet: Fleet): Promise<Contents> => {
      renders.push(fleet.revision)
      return nothing
    },
    decide: async (fleet: Fleet): Promise<Fault[]> => {
      decided.push(fleet.revision)
      return []
    },
  }
  const mirror: Pick<Mirror, 'has' | 'readTree' | 'readBlobs'> = {
    has: async (commit) => commits[commit[0]!] !== undefined,
    async readTree(commit) {
      if (world.unreachable) throw new HubError('source_unreachable', 'Git is away')
      return { id: commits[commit[0]!]!, files: [{ path: 'fleet.yaml', oid: commit[0]!, size: 1 }] }
    },
    async readBlobs(oids) {
      read.push(...oids)
      return oids.map((oid) => Buffer.from(commits[oid]!))
    },
  }
  const pipeline = createPipeline({
    path: '.',
    sources: {
      mirror: (name: string) => (name === 'fleet' ? mirror : undefined),
      names: () => [...followed],
      open: async ({ name }: { name: string }) => followed.add(name),
      follow() {},
      drop: async (name: string) => followed.delete(name),
    },
    register: {
      state,
      async append(_: string, [decision]: { revision: string }[]) {
        accepted.push(decision!.revision)
        state.acceptedRevision = decision!.revision
        return []
      },
    },
    contents: {
      render: ({ fleet }: { fleet: Fleet }) => world.render(fleet),
      forget() {},
    },
    deciding: { decide: (fleet: Fleet) => world.decide(fleet) },
    onFleet: () => void told.push(pipeline.state().fleet?.revision),
    log() {},
    signal: life.signal,
  } as unknown as PipelineDeps)
  return Object.assign(world, { pipeline, accepted, followed, renders, decided, told, read, state })
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve()
}

describe('a new commit of the fleet repository', () => {
  test('is accepted, written down once, rendered and decided', async () => {
    const { pipeline, accepted, renders, decided } = world({ 1: clusterFile('a') })
    for (let n = 0; n < 2; n += 1) {
      await pipeline.onRevision('fleet', at('1'))
      await pipeline.settle()
    }
    assert.deepEqual(accepted, [at('1')])
    assert.deepEqual(renders, [at('1'), at('1')])
    assert.deepEqual(decided, renders)
    const { fleet, refused, faults } = pipeline.state()
    assert.deepEqual([[...fleet!.clusters.keys()], refused, faults], [['a'], null, []])
  })

  test('is not read again when the fleet in it is the one before', async () => {
    const same = clusterFile('a')
    const { pipeline, accepted, decided, read } = world({ 1: same, 2: same, 3: clusterFile('b') })
    for (const commit of ['1', '2', '3', '2']) {
      await pipeline.onRevision('fleet', at(commit))
      await pipeline.settle()
      const { fleet } = pipeline.state()
      assert.equal(fleet?.revision, at(commit))
      assert.deepEqual([...fleet.clusters.keys()], [commit === '3' ? 'b' : 'a'])
    }
    assert.deepEqual(read, ['1', '3', '2'])
    assert.deepEqual(decided, accepted)
  })

  test('I4 with faults is refused whole and said; the last good one stays', async () => {
    const { pipeline, accepted, decided, told } = world({
      1: clusterFile('a'),
      2: clusterFile('b').replace('spec: {}', 'spec: { colour: red }'),
      3: clusterFile('c'),
    })
    await pipeline.onRevision('fleet', at('1'))
    await pipeline.onRevision('fleet', at('2'))
    await pipeline.settle()
    const state = pipeline.state()
    assert.deepEqual([state.fleet?.revision, state.refused], [at('1'), at('2')])
    assert.match(state.faults[0]!.message, /colour/)
    // Sessions look at their snapshots only for a fleet that was taken.
    assert.deepEqual(told, [at('1')])
    assert.deepEqual(accepted, [at('1')])
    assert.ok(decided.every((revision) => revision === at('1')))
    await pipeline.onRevision('fleet', at('3'))
    await pipeline.settle()
    const mended = pipeline.state()
    assert.deepEqual([mended.fleet?.revision, mended.refused, mended.faults], [at('3'), null, []])
  })

  test('that cannot be read for Git being away is no fault of it: it is tried again', async () => {
    const made = world({ 1: clusterFile('a') })
    made.unreachable = true
    await assert.rejects(made.pipeline.onRevision('fleet', at('1')), { code: 'source_unreachable' })
    assert.equal(made.pipeline.state().refused, null)
  })

  test('opens the repositories it names and drops those it does not', async () => {
    const { pipeline, followed } = world({ 1: repositoryFile('apps'), 2: repositoryFile('charts') })
    await pipeline.onRevision('fleet', at('1'))
    assert.deepEqual([...followed], ['fleet', 'apps'])
    await pipeline.onRevision('fleet', at('2'))
    assert.deepEqual([...followed], ['fleet', 'charts'])
  })
})

describe('evaluate', () => {
  test('what fails is tried again by the next round, and stops nothing', async () => {
    const made = world({ 1: clusterFile('a') })
    let broken = true
    const { decide } = made
    made.decide = async (fleet) =>
      broken ? Promise.reject(new Error('Redis is away')) : decide(fleet)
    await made.pipeline.onRevision('fleet', at('1'))
    await made.pipeline.settle()
    broken = false
    await made.pipeline.evaluate()
    assert.deepEqual(made.decided, [at('1')])
  })

  test('many calls during one round make one more, and what is stale is not decided', async () => {
    const made = world({ 1: clusterFile('a'), 2: clusterFile('b') })
    const held = Promise.withResolvers<void>()
    const { render } = made
    made.render = async (fleet) => {
      const result = await render(fleet)
      await held.promise
      return result
    }
    await made.pipeline.onRevision('fleet', at('1'))
    await made.pipeline.onRevision('fleet', at('2'))
    for (let n = 0; n < 5; n += 1) void made.pipeline.evaluate()
    held.resolve()
    await made.pipeline.settle()
    assert.deepEqual(made.renders, [at('1'), at('2')])
    assert.deepEqual(made.decided, [at('2')])
  })

  test('a call at any moment, also as a round ends, is followed by a round that begins after it', async () => {
    for (let moment = 0; moment < 30; moment += 1) {
      const made = world({ 1: clusterFile('a') })
      await made.pipeline.onRevision('fleet', at('1'))
      await made.pipeline.settle()
      void made.pipeline.evaluate()
      await turns(moment)
      const before = made.renders.length
      void made.pipeline.evaluate()
      await turns(200)
      assert.ok(made.renders.length > before, `the call ${moment} turns into a round was lost`)
    }
  })
})

describe('resume', () => {
  test('goes on from the last accepted commit, with Git away', async () => {
    const made = world({ 1: clusterFile('a') })
    made.state.acceptedRevision = at('1')
    await made.pipeline.resume()
    await made.pipeline.settle()
    assert.equal(made.pipeline.state().fleet?.revision, at('1'))
    assert.deepEqual(made.accepted, [])
  })

  test('waits for Git when the mirror has not got that commit', async () => {
    const made = world()
    made.state.acceptedRevision = at('9')
    await made.pipeline.resume()
    assert.equal(made.pipeline.state().fleet, null)
  })
})
