import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyAccepted, findNewer, foldAccepted } from '../../../../hub/ledger/accepted.ts'

test('a commit that was in force before another did is older, until a new one comes', () => {
  const state = emptyAccepted()
  for (const revision of ['one', 'two', 'one']) foldAccepted(state, revision)
  assert.equal(state.acceptedRevision, 'one')
  assert.equal(findNewer(state, 'one'), 'two')
  assert.equal(findNewer(state, 'two'), undefined, 'the newest, also when it is back')
  assert.equal(findNewer(state, 'three'), undefined, 'one that never was')
  foldAccepted(state, 'three')
  assert.equal(findNewer(state, 'two'), 'three')
})

test('only the newest thousand are remembered', () => {
  const state = emptyAccepted()
  for (let at = 0; at < 1_200; at += 1) foldAccepted(state, `${at}`)
  assert.equal(state.everAccepted.size, 1_000)
  assert.equal(findNewer(state, '100'), undefined)
  assert.equal(findNewer(state, '200'), '1199')
})
