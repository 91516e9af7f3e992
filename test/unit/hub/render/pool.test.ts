import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { createPool } from '../../../../hub/render/pool.ts'

const never = new AbortController().signal
const anyone = () => true

function fakePool(size: number, maxWaiting = 10) {
  let started = 0
  const start = () => {
    started += 1
    return {
      name: started,
      isAlive: true,
      kill() {
        this.isAlive = false
      },
    }
  }
  return { pool: createPool({ size, maxWaiting, start }), started: () => started }
}

const isUnavailable = (error: unknown) =>
  error instanceof HubError && error.code === 'engine_unavailable'

test('hands out each worker once, then in the order asked', async () => {
  const { pool } = fakePool(1)
  const first = await pool.take(anyone, never)
  const order: string[] = []
  const waiting = ['b', 'c'].map(async (name) => {
    const worker = await pool.take(anyone, never)
    order.push(name)
    pool.give(worker)
  })
  assert.deepEqual(order, [])
  pool.give(first)
  await Promise.all(waiting)
  assert.deepEqual(order, ['b', 'c'])
})

test('prefers a worker that suits, and takes any other before waiting', async () => {
  const { pool } = fakePool(2)
  const second = await pool.take((worker) => worker.name === 2, never)
  assert.equal(second.name, 2)
  assert.equal((await pool.take((worker) => worker.name === 2, never)).name, 1)
})

test('a worker that died, busy or idle, is replaced', async () => {
  const { pool, started } = fakePool(1)
  const first = await pool.take(anyone, never)
  first.kill()
  pool.give(first)
  const second = await pool.take(anyone, never)
  assert.equal(second.name, 2)
  pool.give(second)
  second.kill()
  assert.equal((await pool.take(anyone, never)).name, 3)
  assert.equal(started(), 3)
})

test('refuses beyond its bound, lets waiting ones leave, and refuses all when closed', async () => {
  const { pool } = fakePool(1, 1)
  const held = await pool.take(anyone, never)
  const abort = new AbortController()
  const waiting = pool.take(anyone, abort.signal)
  await assert.rejects(pool.take(anyone, never), isUnavailable)
  abort.abort(new Error('gone'))
  await assert.rejects(waiting, /gone/)
  const last = pool.take(anyone, never)
  pool.close()
  await assert.rejects(last, isUnavailable)
  await assert.rejects(pool.take(anyone, never), isUnavailable)
  assert.equal(held.isAlive, false)
})
