import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sayStep, taken } from '../../../deploy/setup/say.mjs'
import { formatTaken, parseTaken } from '../../demo/taken.ts'

test('what a newcomer waited for is added up, part by part, set-up included', () => {
  const setUp = parseTaken(
    JSON.stringify([{ what: 'building the engine: a minute or two the first time', ms: 61_040 }]),
  )
  assert.equal(
    formatTaken([...setUp, { what: 'start', ms: 18_000 }, { what: 'first rollout', ms: 960 }]),
    'ready after 80.0 s: building the engine 61.0 s, start 18.0 s, first rollout 1.0 s',
  )
  assert.deepEqual(parseTaken(undefined), [])
})

test('a part that is made of parts is waited for once', async () => {
  await sayStep('building all of it: some minutes', async () => {
    await sayStep('  one half', async () => undefined)
    await sayStep('  the other', async () => undefined)
  })
  assert.deepEqual(
    taken.map(({ what }) => what),
    ['building all of it: some minutes'],
  )
})
