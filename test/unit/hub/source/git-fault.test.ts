import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCommit } from '../../../../hub/source/commit.ts'
import {
  buildGitEnvironment,
  buildSshCommand,
  localAccess,
} from '../../../../hub/source/git-environment.ts'
import { RunFailure, runFailureCodes } from '../../../../hub/fork-server/run.ts'
import { explainGitFailure, explainGitFault } from '../../../../hub/source/git-fault.ts'

const table: readonly (readonly [string, string])[] = [
  ["fatal: couldn't find remote ref refs/heads/x", 'revision_not_found'],
  [
    'Host key verification failed.\nfatal: Could not read from remote repository.',
    'source_refused',
  ],
  ["fatal: Authentication failed for 'https://x/'", 'source_refused'],
  [
    'git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.',
    'source_refused',
  ],
  ["fatal: repository 'https://x/' not found", 'source_refused'],
  [
    'error:\nerror: Cannot find repository: team/x\nerror:\nfatal: Could not read from remote repository.',
    'source_refused',
  ],
  [
    'remote: ERROR: The project you were looking for could not be found or you do not have permission to view it.\nfatal: Could not read from remote repository.',
    'source_refused',
  ],
  [
    "fatal: unable to access 'https://x/': The requested URL returned error: 503",
    'source_unreachable',
  ],
  ["fatal: unable to access 'https://x/': Could not resolve host: x", 'source_unreachable'],
  ["fatal: unable to access 'https://x/': Failed to connect to x port 443", 'source_unreachable'],
  ["fatal: transport 'ext' not allowed", 'source_refused'],
  [
    'error: object 1234: hasDotgit: contains .git\nfatal: fsck error in packed object',
    'source_refused',
  ],
  [
    'error: RPC failed; curl 18 transfer closed\nfatal: early EOF\nfatal: index-pack failed',
    'source_unreachable',
  ],
  ['fatal: pack has bad object at offset 12\nfatal: index-pack failed', 'source_refused'],
  ['fatal: write error: No space left on device', 'internal'],
  ['fatal: write error: No space left on device\nfatal: index-pack failed', 'internal'],
  ['remote: fatal: write: No space left on device\nfatal: early EOF', 'source_unreachable'],
  ['', 'source_unreachable'],
]
for (const [stderr, code] of table) {
  test(`${JSON.stringify(stderr.slice(0, 60))} is ${code}`, () => {
    assert.equal(explainGitFault(stderr).code, code)
  })
}

test('what a host frames with empty lines is quoted, and not the frame', () => {
  const words = 'Public (Deploy) Key: 2:hub is not authorized to read team/x.'
  const { code, message } = explainGitFault(
    `error:\nerror: ${words}\nerror:\nfatal: Could not read from remote repository.\n`,
  )
  assert.equal(code, 'source_refused')
  assert.match(message, /^there is no such repository, or the credential may not see it/)
  assert.ok(message.endsWith(`(git: ${words})`), message)
})

test('what the server says is quoted short, without escapes or user names', () => {
  const { message } = explainGitFault(`fatal: \u001b[31m https://me:pw@host/x ${'y'.repeat(5000)}`)
  assert.ok(message.length < 400)
  assert.ok(!message.includes('\u001b') && !message.includes('pw'))
})

test('B18, T26: ssh gets paths as one word, whatever is in them', () => {
  const command = buildSshCommand("/k/it's $(id)", '/h/a 100%')
  assert.ok(command.includes(String.raw`'/k/it'\''s $(id)'`))
  assert.ok(command.includes(`'UserKnownHostsFile="/h/a 100%%"'`))
  assert.ok(command.includes(`'StrictHostKeyChecking=yes'`))
})

test('B19, B24, T26: a Git process inherits nothing and may use no protocol it was not given', () => {
  const env = buildGitEnvironment('/m', '/bin', localAccess, [])
  assert.equal(env['GIT_ALLOW_PROTOCOL'], '')
  assert.equal(env['HOME'], '/m')
  const count = Number(env['GIT_CONFIG_COUNT'])
  const config = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      env[`GIT_CONFIG_KEY_${index}`],
      env[`GIT_CONFIG_VALUE_${index}`],
    ]),
  )
  assert.equal(config['core.hooksPath'], '/dev/null')
  assert.equal(config['http.followRedirects'], 'false')
  assert.equal(config['transfer.fsckObjects'], 'true')
})

test('a commit is told without control characters', () => {
  const text =
    'tree x\nparent y\nauthor A B <a@b> 1700000000 +0100\ncommitter C <c@d> 1700000001 +0000\ngpgsig -----\n x\n\n\nSub\u001b[31mject\n\nbody'
  assert.deepEqual(parseCommit(text), {
    author: 'A B <a@b>',
    subject: 'Sub [31mject',
    committedAt: 1_700_000_001_000,
  })
})

test('says what to do of a repository that became private, and of a branch that was renamed', () => {
  const asked = explainGitFault(
    "fatal: could not read Username for 'https://git.example': terminal prompts disabled",
  )
  assert.match(asked.message, /wants one and none is given: name one/)
  const renamed = explainGitFault("fatal: couldn't find remote ref refs/heads/main")
  assert.match(renamed.message, /renamed, point `ref` \(of the fleet repository, `--branch`\)/)
})

test('of a Git that gave no answer nothing is said but that', () => {
  for (const code of runFailureCodes) {
    const failure = new RunFailure(code, 'its own words', { stderr: 'fatal: bad object 1' })
    const { code: told, message } = explainGitFailure(failure)
    const answered = code === 'failed'
    const isRefused = answered || code === 'too_much'
    assert.equal(told, isRefused ? 'source_refused' : 'source_unreachable', code)
    if (answered) assert.match(message, /bad object 1/)
    else assert.equal(message, 'its own words')
  }
})

test('of an answer without words the exit code is told', () => {
  const failure = new RunFailure('failed', 'git exit 3', { exitCode: 3 })
  assert.match(explainGitFailure(failure).message, /git exit 3/)
})
