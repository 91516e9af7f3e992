import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../hub/errors.ts'
import {
  createPatience,
  firstWaitMs,
  longestWaitMs,
  mostStopped,
} from '../../../../hub/render/patience.ts'
import { fleetOf, mirrorOf, never, world } from './contents-world.ts'

const tooSlow = () => new HubError('render_timeout', 'took longer than 90000 ms')
const is = (code: string) => (error: unknown) => error instanceof HubError && error.code === code

describe('T24: renders that never end', () => {
  test('are tried once, and again after a while that doubles', async () => {
    let [now, tried] = [0, 0]
    const patience = createPatience(() => now)
    const loop = () => ((tried += 1), Promise.reject(tooSlow()))
    const look = () =>
      assert.rejects(patience().of('a')(digestOf('input'), never, loop), is('render_timeout'))
    await look()
    now = firstWaitMs - 1
    await look()
    assert.equal(tried, 1)
    now = firstWaitMs
    await look()
    assert.equal(tried, 2)
    now += 2 * firstWaitMs - 1
    await look()
    assert.equal(tried, 2)
    for (let time = 0; time < 10; time += 1) {
      now += longestWaitMs
      await look()
    }
    assert.equal(tried, 12)
  })

  test('leave the others of their owner for the next look, and those of anybody else alone', async () => {
    const patience = createPatience(() => 0)
    const look = patience()
    const loops = Array.from({ length: mostStopped }, (_, at) =>
      look.of('a')(digestOf(`loop ${at}`), never, () => Promise.reject(tooSlow())),
    )
    const waits = look.of('a')(digestOf('beside'), never, async (signal) => {
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    })
    await Promise.all([
      ...loops.map((each) => assert.rejects(each, is('render_timeout'))),
      assert.rejects(waits, is('busy')),
    ])
    assert.ok(look.leavesSome())
    const done = () => Promise.resolve('done')
    await assert.rejects(look.of('a')(digestOf('good'), never, done), is('busy'))
    assert.equal(await look.of('b')(digestOf('good'), never, done), 'done')
    assert.equal(await patience().of('a')(digestOf('good'), never, done), 'done')
  })

  test('what fails otherwise is tried at each look', async () => {
    const patience = createPatience(() => 0)
    for (let tried = 0; tried <= 2 * mostStopped; tried += 1) {
      const broken = () => Promise.reject(new HubError('render_failed', 'broken'))
      await assert.rejects(
        patience().of('a')(digestOf('input'), never, broken),
        is('render_failed'),
      )
    }
  })

  test('of forty in one repository a few are waited for at each look, and what is good comes through', async () => {
    const names = [...Array.from({ length: 40 }, (_, at) => `loop-${at}`), 'shop']
    const files = Object.fromEntries(names.map((name) => [`apps/${name}/a.yaml`, name]))
    const made = world(files)
    const { id: good } = await mirrorOf(files).readTree('', 'apps/shop')
    made.fail = ({ treeId }) => (treeId === good ? undefined : tooSlow())
    const fleet = fleetOf(['a'], Object.fromEntries(names.map((name) => [name, ''])))
    const first = await made.render(fleet)
    assert.equal(made.rendered.length, 16, 'as many as go on at once')
    assert.equal(first.againMs, 30_000, 'the others are looked at soon')
    assert.match(first.faults.at(-1)!.message, /were stopped; it is tried at the next look/)
    let last = first
    for (let look = 0; look < 3; look += 1) last = await made.render(fleet)
    assert.deepEqual([...last.applications.keys()], ['shop'])
    assert.equal(made.rendered.length, names.length, 'each was tried once')
    assert.equal(last.againMs, firstWaitMs)
    assert.match(last.faults[0]!.message, /tried again later, or at once when its files or values/)
  })
})
