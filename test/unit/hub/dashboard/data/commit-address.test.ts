import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toCommitAddress } from '../../../../../hub/dashboard/data/commit-address.ts'

const commit = '0123456789abcdef0123456789abcdef01234567'
const revision = `main@sha1:${commit}`

describe('the address of a commit', () => {
  for (const [url, address] of [
    ['https://github.com/team/fleet', `https://github.com/team/fleet/commit/${commit}`],
    ['https://git.example/team/fleet.git', `https://git.example/team/fleet/commit/${commit}`],
    ['https://git.example/team/fleet/', `https://git.example/team/fleet/commit/${commit}`],
    ['https://gitlab.com/team/fleet.git', `https://gitlab.com/team/fleet/-/commit/${commit}`],
    ['https://gitlab.example/a/b/c', `https://gitlab.example/a/b/c/-/commit/${commit}`],
  ] as const) {
    it(`of ${url} is where its host shows it`, () => {
      assert.equal(toCommitAddress(url, revision), address)
    })
  }

  it('is not guessed, and leads nowhere but to https', () => {
    for (const url of [
      ...[
        'ssh://git@git.example/team/fleet',
        'git@git.example:team/fleet.git',
        'file:///srv/fleet',
      ],
      ...['javascript:alert(1)', 'http://git.example/team/fleet', 'https://git.example', ''],
    ]) {
      assert.equal(toCommitAddress(url, revision), undefined, url)
    }
    for (const odd of ['', 'main', 'main@sha1:../../x', `${revision}?x`, 'working-tree@sha1:12']) {
      assert.equal(toCommitAddress('https://git.example/team/fleet', odd), undefined, odd)
    }
  })

  it('has no name and no password in it', () => {
    const address = toCommitAddress('https://ada:word@git.example/team/fleet', revision)
    assert.equal(address, `https://git.example/team/fleet/commit/${commit}`)
  })
})
