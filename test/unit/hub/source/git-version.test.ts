import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireGitVersion } from '../../../../hub/source/git-version.ts'

test('a Git that can be told addresses is taken', () => {
  for (const version of ['2.37.0', '2.39.5', '2.54.0.windows.1', '2.39.5 (Apple Git-154)', '3.0']) {
    requireGitVersion(`git version ${version}`)
  }
})

test('an older one, or none, is refused with what was found, what is needed and what to do', () => {
  for (const version of ['1.99.9', '2.4.11', '2.30.2', '2.36.6']) {
    const words = new RegExp(`\`git\` on PATH is ${version}; 2\\.37 or newer is needed. Install`)
    assert.throws(() => requireGitVersion(`git version ${version}`), words)
  }
  assert.throws(() => requireGitVersion(''), /no `git` on PATH; 2\.37 or newer .* Install one/)
})
