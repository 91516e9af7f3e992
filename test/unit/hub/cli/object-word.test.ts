import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { matchesObject, parseObjectWord } from '../../../../hub/cli/object-word.ts'

describe('an object in a word', () => {
  for (const [word, id, fits] of [
    ['Deployment/shop/web', 'apps/Deployment/shop/web', true],
    ['deployment/web', 'apps/Deployment/shop/web', true],
    ['apps/Deployment/shop/web', 'apps/Deployment/shop/web', true],
    ['/Deployment/shop/web', 'apps/Deployment/shop/web', false],
    ['Deployment/other/web', 'apps/Deployment/shop/web', false],
    ['Namespace/shop', '/Namespace//shop', true],
    ['/Namespace//shop', '/Namespace//shop', true],
    ['Service/web', 'apps/Deployment/shop/web', false],
  ] as const) {
    it(`${word} ${fits ? 'is' : 'is not'} ${id}`, () => {
      assert.equal(matchesObject(parseObjectWord(word), id), fits)
    })
  }

  it('is refused when it names none', () => {
    for (const word of ['web', '', 'Deployment/', '/web', 'a/b/c/d/e', 'a//b/']) {
      assert.throws(() => parseObjectWord(word), /not an object/, word)
    }
  })
})
