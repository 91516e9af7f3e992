import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  comparePlaces,
  formatPlace,
  type Place,
  readOrder,
  readPlace,
  sortPlaces,
} from '../../../../hub/api/order.ts'
import { takeSorted } from '../../../../hub/api/page.ts'

const name = fc.stringMatching(/^[a-z0-9][-a-z0-9]{0,8}$/)
const key = fc.oneof(fc.integer(), fc.string({ maxLength: 12 }))

describe('an order', () => {
  it('is read from a word, with a minus to fall', () => {
    assert.deepEqual(readOrder(undefined, 'name'), { by: 'name', descending: false })
    assert.deepEqual(readOrder('-failed', 'name'), { by: 'failed', descending: true })
  })

  it('has names rise where keys are equal, whichever way it goes', () => {
    const places: Place[] = ['b', 'a', 'c'].map((one) => ({ key: one === 'c' ? 2 : 1, name: one }))
    const names = (descending: boolean) =>
      sortPlaces(places, { by: 'x', descending }, null).map((place) => place.name)
    assert.deepEqual(names(false), ['a', 'b', 'c'])
    assert.deepEqual(names(true), ['c', 'a', 'b'])
  })
})

describe('a place', () => {
  it('comes back from its text as it was (property)', () => {
    fc.assert(
      fc.property(key, name, (given, called) => {
        const place = { key: given, name: called }
        assert.deepEqual(readPlace(formatPlace(place)), place)
      }),
    )
  })

  for (const text of ['', '|', 'a', 'n|a', 'nx|a', 'nInfinity|a', 'x1|a']) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(readPlace(text), undefined))
  }
})

describe('a sorted list', () => {
  it('is walked once, whatever the page and the order, and what leaves between two pages moves nothing else (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.record({ name, key: fc.integer({ min: 0, max: 3 }) }), {
          selector: (one) => one.name,
          maxLength: 20,
        }),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        fc.nat(),
        async (all, descending, limit, leaves) => {
          const order = { by: 'key', descending }
          const gone = all[leaves % Math.max(1, all.length)]
          const seen: string[] = []
          let cursor: string | undefined
          let items = all
          do {
            const asked = { limit, ...(cursor !== undefined && { continue: cursor }) }
            const request = { kind: 'x', order, placeOf: (one: Place) => one }
            const page = await takeSorted<Place>(items, asked, request)
            seen.push(...page.items.map((one) => one.name))
            cursor = page.continue ?? undefined
            // Even the one that the page ended with may go.
            items = all.filter((one) => one !== gone)
          } while (cursor !== undefined)
          const sorted = all.toSorted((a, b) => comparePlaces(order, a, b)).map((one) => one.name)
          const stays = (one: string) => one !== gone?.name
          assert.deepEqual(seen.filter(stays), sorted.filter(stays))
          assert.equal(new Set(seen).size, seen.length)
        },
      ),
    )
  })

  it('B75: takes no cursor of another order', async () => {
    const all = ['a', 'b'].map((one) => ({ key: one, name: one }))
    const page = (descending: boolean, cursor?: string) =>
      takeSorted(
        all,
        { limit: 1, ...(cursor !== undefined && { continue: cursor }) },
        {
          kind: 'x',
          order: { by: 'name', descending },
          placeOf: (one) => one,
        },
      )
    const { continue: cursor } = await page(false)
    await assert.rejects(page(true, cursor!), {
      code: 'invalid',
      message: 'continue: not a cursor of this list; start again without it',
    })
  })
})
