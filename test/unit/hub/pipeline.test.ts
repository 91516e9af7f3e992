import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../hub/errors.ts'
import type { Contents } from '../../../hub/render/contents.ts'
import { api, at, clusterFile, nothing, world } from './pipeline-world.ts'

// It went on, wave by wave, until all that Git asks for was rendered.
test('a removal that Git takes back is ended before anything is rendered', async () => {
  const play = world({ 1: '' })
  play.render = () => new Promise(() => {})
  await play.pipeline.onRevision('fleet', at('1'))
  await turns(20)
  assert.deepEqual([play.ended, play.decided], [[at('1')], []])
})

// What an older commit had deleted was begun after the newer one had been looked at, and went on until that was rendered.
test('a removal that is begun while Git takes it back is ended before anything is rendered', async () => {
  const play = world({ 1: '', 2: clusterFile('a') })
  const decide = Promise.withResolvers<void>()
  play.decide = () => decide.promise.then(() => [])
  await play.pipeline.onRevision('fleet', at('1'))
  await turns(20)
  play.render = () => new Promise(() => {})
  await play.pipeline.onRevision('fleet', at('2'))
  assert.deepEqual(play.ended, [at('1'), at('2')])
  decide.resolve()
  await turns(20)
  assert.deepEqual(play.ended, [at('1'), at('2'), at('2')])
})

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve()
}

describe('what Git asks for', () => {
  const digest = digestOf('content')
  const application = `apiVersion: groundswell.dev/v1alpha1
kind: Application
metadata: { name: web }
spec: { source: { path: apps/web }, targets: [{ clusterSelector: {} }], targetNamespace: web }
`
  const content = { digest, size: 1, revision: at('1') }
  const contents = (skipped: readonly string[] = []): Contents => ({
    ...nothing,
    applications: new Map([['web', new Map([['a', content]])]]),
    skipped: new Map([['web', new Set(skipped)]]),
  })

  const source = (lastFetchedAt: number, revision = at('1')) => ({
    ...{ name: 'fleet', lastFetchedAt, revision },
  })

  test('is known once its sources were fetched in this life, told, and decided on', async () => {
    const play = world({ 1: application, 2: application })
    const { pipeline, sources } = play
    play.render = async () => contents()
    await pipeline.onRevision('fleet', at('1'))
    await pipeline.settle()
    assert.equal(pipeline.wish('web', 'a'), undefined, 'from a mirror of a life before')
    sources.push(source(999))
    assert.equal(await pipeline.confirm(), false)
    sources.splice(0, 1, source(1_000, at('2')))
    assert.equal(await pipeline.confirm(), false, 'fetched, and not told of yet')
    assert.equal(pipeline.wish('web', 'a'), undefined)
    const rendering = Promise.withResolvers<Contents>()
    play.render = () => rendering.promise
    await pipeline.onRevision('fleet', at('2'))
    assert.equal(await pipeline.confirm(), false, 'told, and not decided yet')
    rendering.resolve(contents())
    await pipeline.settle()
    assert.equal(await pipeline.confirm(), true)
    assert.deepEqual(pipeline.wish('web', 'a'), { digest, since: 7 })
    play.register.head = 12
    assert.equal(await pipeline.confirm(), false)
    assert.deepEqual(pipeline.wish('web', 'a'), { digest, since: 7 }, 'by the first time')
    assert.deepEqual(pipeline.wish('web', 'b'), { digest: null, since: 7 })
    assert.deepEqual(pipeline.wish('shop', 'a'), { digest: null, since: 7 })
  })

  test('was decided on as told before, also while newer commits come all the time', async () => {
    const repository = `${api}
kind: Repository
metadata: { name: code }
spec: { url: https://git.test/code.git, ref: { branch: main } }
`
    const own = application.replace('source: {', 'source: { repository: code,')
    const play = world({ 1: `${repository}---\n${own}` })
    const { pipeline } = play
    const fleet = { repository: 'fleet', revision: at('1') }
    const code = (digit: string) => ({ repository: 'code', revision: at(digit) })
    await pipeline.onRevision('fleet', at('1'))
    await pipeline.settle()
    assert.deepEqual(pipeline.decided('web'), [fleet])
    let rendering = Promise.withResolvers<Contents>()
    play.render = () => rendering.promise
    await pipeline.onRevision('code', at('3'))
    assert.deepEqual(pipeline.decided('web'), [fleet], 'told, and not decided on')
    for (const next of ['4', '5']) {
      const before = rendering
      rendering = Promise.withResolvers()
      // Told in the midst of the round: that one is not known to have it.
      await pipeline.onRevision('code', at(next))
      before.resolve(contents())
      await turns(20)
      assert.deepEqual(pipeline.decided('web'), [fleet, code(next === '4' ? '3' : '4')])
    }
    rendering.resolve(contents())
    await pipeline.settle()
    assert.deepEqual(pipeline.decided('web'), [fleet, code('5')])
  })

  test('is not what was asked for before a commit that is refused, or a round that failed', async () => {
    const play = world({
      1: application,
      2: clusterFile('b').replace('spec: {}', 'spec: { colour: red }'),
    })
    const { pipeline, sources } = play
    sources.push(source(1_000))
    play.render = () => Promise.reject(new Error('the engine is away'))
    await pipeline.onRevision('fleet', at('1'))
    await pipeline.settle()
    assert.equal(await pipeline.confirm(), false)
    play.render = async () => contents()
    sources.splice(0, 1, source(1_000, at('2')))
    await pipeline.onRevision('fleet', at('2'))
    await pipeline.evaluate()
    assert.equal(await pipeline.confirm(), false)
    assert.equal(pipeline.wish('web', 'a'), undefined)
  })

  test('cannot be told of what is not rendered, or of a cluster that is left out', async () => {
    const play = world({ 1: application })
    play.sources.push(source(1_000))
    await play.pipeline.onRevision('fleet', at('1'))
    await play.pipeline.settle()
    await play.pipeline.confirm()
    assert.deepEqual(play.pipeline.wish('web', 'a'), { digest: undefined, since: 7 })
    play.render = async () => contents(['b'])
    await play.pipeline.evaluate()
    assert.deepEqual(play.pipeline.wish('web', 'b'), { digest: undefined, since: 7 })
  })
})

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

  test('lets sessions look at their snapshots only where clusters may have changed', async () => {
    const same = clusterFile('a')
    const { pipeline, told, decided } = world({ 1: same, 2: same, 3: clusterFile('b') })
    for (const commit of ['1', '2', '3']) {
      await pipeline.onRevision('fleet', at(commit))
      await pipeline.settle()
    }
    assert.deepEqual(decided, [at('1'), at('2'), at('3')])
    assert.deepEqual(told, [at('1'), at('3')])
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

  test('a part that is away is asked again later, once, whatever else asks meanwhile', async () => {
    const made = world({ 1: clusterFile('a') })
    const { render } = made
    made.render = async () => Promise.reject(new HubError('signer_unavailable', 'it restarts'))
    await made.pipeline.onRevision('fleet', at('1'))
    for (let n = 0; n < 3; n += 1) await made.pipeline.evaluate()
    assert.equal(made.waiting.length, 1)
    assert.deepEqual(made.decided, [])
    made.render = render
    made.waiting.shift()!()
    await made.pipeline.settle()
    assert.deepEqual([made.decided, made.waiting.length], [[at('1')], 0])
  })

  test('what no commit tells of is looked at again after the time that was asked for, once', async () => {
    const made = world({ 1: clusterFile('a') })
    const { render } = made
    made.render = async (revision) => ({ ...(await render(revision)), againMs: 5 })
    await made.pipeline.onRevision('fleet', at('1'))
    for (let n = 0; n < 3; n += 1) await made.pipeline.evaluate()
    assert.equal(made.waiting.length, 1)
    const before = made.renders.length
    made.render = render
    made.waiting.shift()!()
    await made.pipeline.settle()
    assert.deepEqual([made.renders.length, made.waiting.length], [before + 1, 0])
  })

  test('what has moved on is left to the news of it', async () => {
    const made = world({ 1: clusterFile('a') })
    made.render = async () => Promise.reject(new HubError('conflict', 'moved on'))
    await made.pipeline.onRevision('fleet', at('1'))
    await made.pipeline.settle()
    assert.deepEqual([made.decided, made.waiting], [[], []])
  })

  test('many calls during one round make one more, and what is stale is not decided', async () => {
    const made = world({ 1: clusterFile('a'), 2: clusterFile('b') })
    const held = Promise.withResolvers<void>()
    const { render } = made
    made.render = async (revision) => {
      const result = await render(revision)
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

  test('does not go back from what was taken since', async () => {
    const made = world({ 1: clusterFile('a'), 2: clusterFile('b') })
    await made.pipeline.onRevision('fleet', at('2'))
    made.state.acceptedRevision = at('1')
    await made.pipeline.resume()
    assert.equal(made.pipeline.state().fleet?.revision, at('2'))
  })

  test('waits for Git when the mirror has not got that commit', async () => {
    const made = world()
    made.state.acceptedRevision = at('9')
    await made.pipeline.resume()
    assert.equal(made.pipeline.state().fleet, null)
  })
})
