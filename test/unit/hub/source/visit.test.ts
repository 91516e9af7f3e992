import assert from 'node:assert/strict'
import { test } from 'node:test'
import { qualifyVisit } from '../../../../hub/source/visit.ts'

test('a pull request is looked for where each Git host keeps it, and nowhere else', () => {
  assert.deepEqual(
    qualifyVisit({ pullRequest: 7 }).map(({ remote }) => remote),
    ['refs/pull/7/head', 'refs/merge-requests/7/head', 'refs/pull-requests/7/from'],
  )
})

test('B12: a branch that is called like a commit, or like a pull request, stays a branch', () => {
  for (const branch of ['0'.repeat(40), 'pull/7/head', 'refs/pull/7/head']) {
    assert.deepEqual(
      qualifyVisit({ branch }).map(({ remote }) => remote),
      [`refs/heads/${branch}`],
    )
  }
})

test('whatever is visited takes one place in the mirror, which nobody follows', () => {
  const visits = [{ branch: 'main' }, { commit: '0'.repeat(40) }, { pullRequest: 7 }]
  const places = new Set(visits.flatMap(qualifyVisit).map(({ local }) => local))
  assert.deepEqual([...places], ['refs/mirror/visited'])
})

for (const branch of ['-x', 'a..b', 'a b', '@', '']) {
  test(`${JSON.stringify(branch)} is not visited`, () => {
    assert.throws(() => qualifyVisit({ branch }), { code: 'source_refused' })
  })
}
