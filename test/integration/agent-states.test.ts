import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type SigningKey, signStatement } from '../../hub/bundle/sign.ts'
import { breakApi } from '../support/storm/api.ts'
import { claimTwice } from '../support/storm/claims.ts'
import { turnClock } from '../support/storm/clock.ts'
import { establishLate, loseGroup } from '../support/storm/definitions.ts'
import { fillEtcd, restoreEtcd } from '../support/storm/etcd.ts'
import { hangFinalizers } from '../support/storm/finalizers.ts'
import { loseMuch } from '../support/storm/holds.ts'
import type { FaultKind } from '../support/storm/play.ts'
import { playSeeds, seeds } from '../support/storm/seeds.ts'
import { damageTrust } from '../support/storm/trust.ts'
import { makeSigningKey, rootOf } from '../support/signing-key.ts'

describe('an agent in states that are far from usual', () => {
  let key: SigningKey
  let root: Uint8Array
  const trust: FaultKind = (stage) => damageTrust(stage, root)

  before(async () => {
    key = await makeSigningKey()
    root = (await signStatement('root', rootOf('f', key), [key])).envelope
  })

  const table: readonly (readonly [string, number, readonly FaultKind[]])[] = [
    ['F27: trust state and content that are damaged, gone or old', 10_000, [trust]],
    ['F29: a clock that is wrong by years, jumps and goes wrongly', 11_000, [turnClock]],
    ['F32: an etcd that is restored to before', 12_000, [restoreEtcd]],
    ['F32: an etcd that is full', 13_000, [fillEtcd]],
    ['F36: a definition that comes with its objects', 14_000, [establishLate]],
    ['F37: finalizers that hang', 15_000, [hangFinalizers]],
    ['F39: a group that nobody answers for, and a version that goes', 16_000, [loseGroup]],
    ['F42, F55: renders that lost much, or what takes more along', 17_000, [loseMuch]],
    ['F45: objects that two applications claim', 18_000, [claimTwice]],
    [
      'F27, F29, F31, F45: an API server that fails besides',
      19_000,
      [breakApi, trust, turnClock, claimTwice],
    ],
    ['F31, F32, F36, F42, F55: and more besides', 20_000, [breakApi, fillEtcd, loseMuch]],
  ]
  for (const [title, from, kinds] of table) {
    it(`${title}: nothing is lost, nothing that is wanted is deleted (${seeds} seeds)`, async (t) => {
      const faults = await playSeeds(from, key, kinds)
      t.diagnostic(`${faults} faults`)
      assert.ok(faults >= seeds * 3, `${faults} faults`)
    })
  }
})
