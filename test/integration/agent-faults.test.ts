import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { SigningKey } from '../../hub/bundle/sign.ts'
import { makeSigningKey } from '../support/signing-key.ts'
import { breakApi, fillDisk, loseInventories, sendRivals, startTwin } from '../support/storm/api.ts'
import type { FaultKind } from '../support/storm/play.ts'
import { playSeeds, seeds } from '../support/storm/seeds.ts'

describe('an agent through storms of faults', () => {
  let key: SigningKey

  before(async () => {
    key = await makeSigningKey()
  })

  const table: readonly (readonly [string, number, readonly FaultKind[], number])[] = [
    [
      'F31, F34, F35, F38, F40, F44, F54: an API server that is away, cuts answers and watches, denies and refuses',
      ...([3_000, [breakApi], 3] as const),
    ],
    ['F26: a disk that is full again and again', 4_000, [fillDisk], 3],
    ['F43: inventories that are lost', 5_000, [loseInventories], 3],
    ['F28: two agents at once', 7_000, [breakApi, startTwin], 3],
    ['F33: rivals that write into what is ours', 8_000, [breakApi, sendRivals], 3],
    [
      'F26, F31, F35, F40, F43: all of it together',
      ...([6_000, [breakApi, fillDisk, loseInventories], 6] as const),
    ],
  ]
  for (const [title, from, kinds, least] of table) {
    it(`${title}: nothing is lost, nothing that is wanted is deleted (${seeds} seeds)`, async (t) => {
      const faults = await playSeeds(from, key, kinds)
      t.diagnostic(`${faults} faults`)
      assert.ok(faults >= seeds * least, `${faults} faults`)
    })
  }
})
