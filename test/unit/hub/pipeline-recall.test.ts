import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { foldAccepted } from '../../../hub/ledger/accepted.ts'
import { api, at, clusterFile, world } from './pipeline-world.ts'

describe('a hub that begins with a commit that deleted an application', () => {
  // It left as it had been rolled out last: past a gate that it was given since.
  test('I6 looks first how what left with that commit was declared last', async () => {
    const shop = (rest = '') =>
      `${clusterFile('a')}---\n${api}\nkind: Application\nmetadata: { name: shop }\nspec: { source: { path: s }, targets: [{ clusterSelector: {} }]${rest} }\n`
    const commits = { 1: shop(), 2: shop(', deletionPolicy: Orphan'), 3: clusterFile('b') }
    const made = world({ ...commits, 4: clusterFile('a') })
    made.running.push('shop')
    for (const digit of '1234') foldAccepted(made.state, at(digit))
    await made.pipeline.resume()
    await made.pipeline.settle()
    assert.deepEqual([made.noted, made.decided], [[at('2'), at('3')], [at('4')]])
  })

  // One that a stricter release refuses had it forget what it had read by then.
  test('I6 keeps what it has read where a commit before that is refused by now', async () => {
    const app = (name: string) =>
      `---\n${api}\nkind: Application\nmetadata: { name: ${name} }\nspec: { source: { path: s }, targets: [{ clusterSelector: {} }] }\n`
    const both = `${clusterFile('a')}${app('shop')}${app('db')}`
    const commits = { 1: both, 2: `${api}\nkind: None\n`, 3: `${clusterFile('a')}${app('shop')}` }
    const made = world({ ...commits, 4: clusterFile('a') })
    made.running.push('shop', 'db')
    for (const digit of '1234') foldAccepted(made.state, at(digit))
    await made.pipeline.resume()
    await made.pipeline.settle()
    assert.deepEqual([made.noted, made.decided], [[at('3')], [at('4')]])
  })

  test('reads no other commit where nothing left', async () => {
    const made = world({ 1: clusterFile('a'), 2: clusterFile('b') })
    for (const digit of '12') foldAccepted(made.state, at(digit))
    await made.pipeline.resume()
    assert.deepEqual(made.noted, [])
  })
})
