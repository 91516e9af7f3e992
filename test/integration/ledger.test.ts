import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { HubError } from '../../hub/errors.ts'
import type { Decision, LedgerEntry } from '../../hub/ledger/entry.ts'
import { openJournal } from '../../hub/ledger/fs.ts'
import { ledgerBranch } from '../../hub/ledger/branch/git.ts'
import { openLedger } from '../../hub/ledger/git.ts'
import { createSeal } from '../../hub/replica/seal.ts'
import { createLosing } from '../support/lost-git.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const author = { name: 'Hub', email: 'hub@example.test' }
const clock = () => 1_700_000_000_000
const seal = createSeal(Buffer.from('of this fleet'), 'ledger-remote')
const accept = (revision: string): Decision => ({ type: 'fleet.accepted', revision })

async function collect(entries: AsyncIterable<LedgerEntry>): Promise<LedgerEntry[]> {
  const all: LedgerEntry[] = []
  for await (const entry of entries) all.push(entry)
  return all
}

function git(directory: string, ...args: string[]): string {
  return execFileSync('git', ['-C', directory, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}

test('what was appended is there after opening again, in order and chained', async () => {
  await using dir = await createTempDir('ledger')
  const first = await openLedger(dir.path, { clock, author })
  assert.equal(first.head, 0)
  assert.deepEqual(await collect(first.read()), [])
  const [entry] = await first.append('alice', [accept('r1'), accept('r2')])
  assert.equal(entry!.index, 1)
  await first.close()
  const second = await openLedger(dir.path, { clock, author })
  assert.equal(second.head, 2)
  await second.append('bob', [accept('r3')])
  const all = await collect(second.read())
  assert.deepEqual(
    all.map(({ index, actor, decision }) => [index, actor, decision]),
    [
      [1, 'alice', accept('r1')],
      [2, 'alice', accept('r2')],
      [3, 'bob', accept('r3')],
    ],
  )
  assert.deepEqual(
    (await collect(second.read(2))).map(({ index }) => index),
    [3],
  )
  await second.close()
})

test('a Git that gives no answer is not taken for one without a ledger', async () => {
  await using dir = await createTempDir('ledger')
  const first = await openLedger(dir.path, { clock, author })
  await first.append('alice', [accept('r1')])
  await first.close()
  rmSync(join(dir.path, 'ledger.jsonl'))
  const run = createLosing('rev-parse', () => true)
  await assert.rejects(
    openLedger(dir.path, { clock, author, run }),
    /whether there is a ledger in Git is not known/,
  )
  const second = await openLedger(dir.path, { clock, author })
  assert.equal(second.head, 1)
  await second.close()
})

test('reading from a line on gives just what follows, wherever in a long file that is', async () => {
  await using dir = await createTempDir('long')
  const path = join(dir.path, 'ledger.jsonl')
  const first = await openJournal(path, clock)
  const text = 'x'.repeat(1_500)
  for (let batch = 0; batch < 10; batch += 1) {
    await first.append(
      'a',
      Array.from({ length: 50 }, (_, at) => accept(`${batch}/${at}${text}`)),
    )
  }
  const check = async (journal: Pick<typeof first, 'read'>, last: number) => {
    for (const after of [0, 1, 42, 43, 44, 250, 499, 500, last - 1, last, last + 1]) {
      const read = (await collect(journal.read(after))).map(({ index }) => index)
      const expected = Array.from({ length: Math.max(0, last - after) }, (_, at) => after + at + 1)
      assert.deepEqual(read, expected, `after ${after}`)
    }
  }
  await check(first, 500)
  await first.close()
  // What was found when it was opened counts as what was written.
  const second = await openJournal(path, clock)
  await check(second, 500)
  await second.append('a', [accept('last')])
  await check(second, 501)
  await second.close()
})

test('F7: a line torn at any byte is cut off, and nothing acknowledged is lost', async () => {
  await using dir = await createTempDir('torn')
  const path = join(dir.path, 'ledger.jsonl')
  const whole = await openJournal(path, clock)
  await whole.append('alice', [accept('kept')])
  const kept = readFileSync(path).length
  await whole.append('alice', [accept('törn')])
  await whole.close()
  const bytes = readFileSync(path)
  for (let size = kept; size < bytes.length; size += 1) {
    writeFileSync(path, bytes.subarray(0, size))
    const again = await openJournal(path, clock)
    assert.equal(again.head, 1, `cut at byte ${size}`)
    assert.equal(again.torn, size - kept)
    await again.append('bob', [accept('after')])
    await again.close()
    const check = await openJournal(path, clock)
    assert.equal(check.head, 2)
    await check.close()
  }
})

test('an altered, missing or swapped line is named', async () => {
  await using dir = await createTempDir('corrupt')
  const path = join(dir.path, 'ledger.jsonl')
  const journal = await openJournal(path, clock)
  await journal.append('alice', ['a', 'b', 'c', 'd'].map(accept))
  await journal.close()
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  const cases: [string, string[], number][] = [
    ['altered', lines.map((line, at) => (at === 1 ? line.replace('"b"', '"x"') : line)), 3],
    ['missing', lines.toSpliced(1, 1), 2],
    ['swapped', [lines[0]!, lines[2]!, lines[1]!, lines[3]!], 2],
    ['garbage', lines.with(2, 'garbage'), 3],
    ['unknown decision', lines.with(0, lines[0]!.replace('fleet.accepted', 'fleet.denied')), 1],
  ]
  for (const [name, broken, line] of cases) {
    writeFileSync(path, `${broken.join('\n')}\n`)
    await assert.rejects(
      openJournal(path, clock),
      (error) =>
        error instanceof HubError &&
        error.code === (name === 'unknown decision' ? 'ledger_newer' : 'ledger_corrupt') &&
        error.message.includes(`line ${line}:`),
      name,
    )
  }
})

test('appends that wait together keep one chain', async () => {
  await using dir = await createTempDir('group')
  const journal = await openJournal(join(dir.path, 'ledger.jsonl'), clock)
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, at) => journal.append('alice', [accept(`r${at}`)])),
  )
  assert.deepEqual(
    answers.map(([entry]) => entry!.index),
    Array.from({ length: 500 }, (_, at) => at + 1),
  )
  await journal.close()
  const again = await openJournal(join(dir.path, 'ledger.jsonl'), clock)
  assert.equal(again.head, 500)
  await again.close()
})

test('a second writer is noticed before it can break the chain', async () => {
  await using dir = await createTempDir('second')
  const path = join(dir.path, 'ledger.jsonl')
  const one = await openJournal(path, clock)
  const two = await openJournal(path, clock)
  await one.append('alice', [accept('r1')])
  await assert.rejects(
    two.append('bob', [accept('r2')]),
    (error) => error instanceof HubError && error.code === 'ledger_unwritable',
  )
  await one.append('alice', [accept('r3')])
  await one.close()
  await two.close()
  const again = await openJournal(path, clock)
  assert.equal(again.head, 2)
  await again.close()
})

test('I1: a ledger that is replaced or removed under its hub acknowledges nothing more', async () => {
  for (const replace of [
    (path: string) => (copyFileSync(path, `${path}.copy`), renameSync(`${path}.copy`, path)),
    (path: string) => rmSync(path),
  ]) {
    await using dir = await createTempDir('replaced')
    const path = join(dir.path, 'ledger.jsonl')
    const ledger = await openJournal(path, clock)
    await ledger.append('alice', [accept('r1')])
    replace(path)
    await assert.rejects(ledger.append('alice', [accept('r2')]), {
      code: 'ledger_unwritable',
      message: /was replaced or removed while this hub wrote it/,
    })
    await ledger.close()
  }
})

test('entries are committed to the branch, pushed, and restored on a new machine', async () => {
  await using dir = await createTempDir('branch')
  await using remote = await createTempDir('remote')
  await using fresh = await createTempDir('fresh')
  git(remote.path, 'init', '--quiet', '--bare')
  const options = { clock, author, remote: { url: remote.path, seal }, commitInterval: 50 }
  const ledger = await openLedger(dir.path, options)
  for (let at = 0; at < 20; at += 1) await ledger.append('alice', [accept(`r${at}`)])
  await until(() => git(remote.path, 'rev-parse', ledgerBranch) !== '', {
    deadlineMs: 10_000,
    what: 'the branch at the remote',
  })
  await ledger.append('alice', [accept('last')])
  await ledger.close()
  const commits = Number(git(remote.path, 'rev-list', '--count', ledgerBranch))
  assert.ok(commits >= 1 && commits < 20, `${commits} commits for 21 entries`)
  const file = readFileSync(join(dir.path, 'ledger.jsonl'), 'utf8')
  assert.equal(`${git(remote.path, 'show', `${ledgerBranch}:ledger.jsonl`)}\n`, file)
  const restored = await openLedger(fresh.path, options)
  assert.equal(restored.head, 21)
  await restored.append('bob', [accept('goes on')])
  await restored.close()
  rmSync(join(fresh.path, 'ledger.jsonl'))
  const again = await openLedger(fresh.path, { clock, author })
  assert.equal(again.head, 22)
  await again.close()
})

test('a hub from an older backup goes on from what the remote has beyond it', async () => {
  await using dir = await createTempDir('older')
  await using remote = await createTempDir('remote')
  git(remote.path, 'init', '--quiet', '--bare')
  const options = { clock, author, remote: { url: remote.path, seal }, commitInterval: 20 }
  const first = await openLedger(dir.path, options)
  await first.append('alice', [accept('r1')])
  const backup = readFileSync(join(dir.path, 'ledger.jsonl'))
  await first.append('alice', [accept('r2'), accept('r3')])
  await first.close()
  const newer = readFileSync(join(dir.path, 'ledger.jsonl'), 'utf8')
  // With the history beside it, and without.
  for (const lost of ['', '.git']) {
    if (lost) rmSync(join(dir.path, lost), { recursive: true })
    writeFileSync(join(dir.path, 'ledger.jsonl'), backup)
    const again = await openLedger(dir.path, options)
    assert.equal(again.head, 3)
    assert.equal(readFileSync(join(dir.path, 'ledger.jsonl'), 'utf8'), newer)
    await again.close()
  }
})

test('a hub from a backup decides nothing before its remote said what the backup lacks', async () => {
  await using dir = await createTempDir('older-away')
  await using restored = await createTempDir('restored')
  const url = join(dir.path, 'remote.git')
  git(dir.path, 'init', '--quiet', '--bare', 'remote.git')
  const options = { clock, author, remote: { url, seal }, commitInterval: 20 }
  const first = await openLedger(join(dir.path, 'ledger'), options)
  await first.append('alice', [accept('r1')])
  copyFileSync(join(dir.path, 'ledger', 'ledger.jsonl'), join(restored.path, 'ledger.jsonl'))
  await first.append('alice', [accept('r2')])
  await first.close()
  renameSync(url, `${url}.away`)
  for (let start = 0; start < 2; start += 1) {
    await assert.rejects(openLedger(restored.path, options), {
      code: 'ledger_unwritable',
      message: /from a backup, and its remote, which may have more, cannot be asked/,
    })
  }
  renameSync(`${url}.away`, url)
  const again = await openLedger(restored.path, options)
  assert.equal(again.head, 2)
  await again.close()
  // What has its own history beside it was here all the time.
  renameSync(url, `${url}.away`)
  await (await openLedger(restored.path, options)).close()
})

test('commits are signed by the key that is given', async () => {
  await using dir = await createTempDir('signed')
  const key = join(dir.path, 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  const allowed = join(dir.path, 'allowed')
  writeFileSync(allowed, `${author.email} ${readFileSync(`${key}.pub`, 'utf8')}`)
  const path = join(dir.path, 'ledger')
  const ledger = await openLedger(path, { clock, author, signingKey: key, commitInterval: 20 })
  await ledger.append('alice', [accept('r1')])
  await ledger.close()
  git(path, '-c', `gpg.ssh.allowedSignersFile=${allowed}`, 'verify-commit', ledgerBranch)
})

test('a remote that has the beginning of it is gone on from; other entries are never written over', async () => {
  await using dir = await createTempDir('again')
  await using remote = await createTempDir('remote')
  await using other = await createTempDir('other')
  git(remote.path, 'init', '--quiet', '--bare')
  const options = { clock, author, remote: { url: remote.path, seal }, commitInterval: 20 }
  const first = await openLedger(dir.path, options)
  await first.append('alice', [accept('r1')])
  await first.close()
  // The history around the file is lost, and the file is not.
  rmSync(join(dir.path, '.git'), { recursive: true })
  const second = await openLedger(dir.path, options)
  await second.append('alice', [accept('r2')])
  await second.close()
  const file = readFileSync(join(dir.path, 'ledger.jsonl'), 'utf8')
  const shown = () => `${git(remote.path, 'show', `${ledgerBranch}:ledger.jsonl`)}\n`
  assert.equal(shown(), file)
  assert.equal(git(remote.path, 'rev-list', '--count', ledgerBranch), '2', 'nothing was forced')

  // Somebody else's ledger: it began by itself, with no remote to be restored from.
  const local = await openLedger(other.path, { clock, author, commitInterval: 20 })
  await local.append('mallory', [accept('other')])
  await local.close()
  const warnings: string[] = []
  const log = (_: string, message: string) => void warnings.push(message)
  const foreign = await openLedger(other.path, { ...options, log })
  await foreign.append('mallory', [accept('more')])
  await foreign.close()
  assert.equal(shown(), file)
  assert.ok(warnings.some((message) => message.includes('could not be pushed')))
})

test('an unreachable remote holds up neither appends nor closing, and is tried again', async () => {
  await using dir = await createTempDir('away')
  const remote = join(dir.path, 'remote.git')
  const warnings: string[] = []
  const log = (_: string, message: string) => void warnings.push(message)
  git(dir.path, 'init', '--quiet', '--bare', 'remote.git')
  const ledger = await openLedger(join(dir.path, 'ledger'), {
    clock,
    author,
    remote: { url: remote, seal },
    log,
    commitInterval: 20,
  })
  rmSync(remote, { recursive: true })
  await ledger.append('alice', [accept('r1')])
  await until(() => warnings.some((message) => message.includes('pushed')), {
    deadlineMs: 10_000,
    what: 'a push to fail',
  })
  git(dir.path, 'init', '--quiet', '--bare', 'remote.git')
  await until(() => git(remote, 'rev-parse', '--verify', ledgerBranch), {
    deadlineMs: 20_000,
    what: 'the push to be tried again',
  })
  await ledger.close()
})

test('F6: a full disk fails the append and the next one continues the chain', async (t) => {
  await using dir = await createTempDir('full')
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir.path], { stdio: 'ignore' })
  } catch {
    t.skip('needs root to mount a small file system')
    return
  }
  try {
    const path = join(dir.path, 'ledger.jsonl')
    const journal = await openJournal(path, clock)
    await journal.append('alice', [accept('r1')])
    await assert.rejects(
      journal.append('alice', [accept('x'.repeat(100_000))]),
      (error) => error instanceof HubError && error.code === 'ledger_unwritable',
    )
    const [entry] = await journal.append('alice', [accept('r2')])
    assert.equal(entry!.index, 2)
    await journal.close()
    appendFileSync(path, '{"torn')
    const again = await openJournal(path, clock)
    assert.equal(again.head, 2)
    await again.close()
    truncateSync(path, 0)
  } finally {
    execFileSync('umount', [dir.path])
  }
})
