import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, describe, it } from 'node:test'
import { HubError } from '../../hub/errors.ts'
import { ledgerBranch } from '../../hub/ledger/branch/git.ts'
import { openJournal } from '../../hub/ledger/fs.ts'
import { type LedgerFault, openLedger } from '../../hub/ledger/git.ts'
import { createSeal } from '../../hub/replica/seal.ts'
import { assertNothingRewritten, gitIn, readRemoteLedger } from '../support/ledger-branch.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* What a power cut leaves of the Git repository around the ledger's file, which is whole. */

const seal = createSeal(Buffer.from('of this fleet'), 'ledger-remote')
const author = { name: 'Hub', email: 'hub@example.test' }

async function openWorld(t: TestContext) {
  const dir = await createTempDir('ledger-damaged')
  t.after(() => dir.remove())
  await gitIn(dir.path, 'init', '--quiet', '--bare', 'remote.git')
  const remote = join(dir.path, 'remote.git')
  const directory = join(dir.path, 'ledger')
  const faults = new Set<LedgerFault>()
  const log: string[] = []
  const open = (url: string | undefined = remote) =>
    openLedger(directory, {
      ...{ clock: Date.now, author, commitInterval: 20 },
      ...(url && { remote: { url, seal } }),
      log: (_, message) => void log.push(message),
      onFault: (fault, isFaulty) => void (isFaulty ? faults.add(fault) : faults.delete(fault)),
    })
  const untilPushed = (lines: number) =>
    until(async () => (await readRemoteLedger(remote)).length === lines, {
      ...{ deadlineMs: 20_000, what: `${lines} lines at the remote: ${log.at(-1)}` },
    })
  return { directory, remote, faults, log, open, untilPushed }
}

const decide = (revision: string) => [{ type: 'fleet.accepted', revision }] as const

const damages = {
  'a branch without a commit': (git: string) =>
    writeFileSync(join(git, 'refs/heads', ledgerBranch), ''),
  'objects without content': (git: string) => {
    for (const entry of readdirSync(join(git, 'objects'), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) {
        const path = join(entry.parentPath, entry.name)
        rmSync(path)
        writeFileSync(path, '')
      }
  },
  'no head': (git: string) => rmSync(join(git, 'HEAD')),
}

const cases = [
  ['a branch without a commit', true],
  ['a branch without a commit', false],
  ['objects without content', false],
  ['no head', true],
] as const

describe('F59: a Git repository around the ledger that has', () => {
  for (const [name, isOpen] of cases) {
    const when = isOpen ? 'while the hub lives' : 'as it starts'
    it(`${name}, ${when}: what is decided is pushed on`, async (t) => {
      const { directory, remote, faults, log, open, untilPushed } = await openWorld(t)
      let ledger = await open()
      t.after(() => ledger.close())
      await ledger.append('hub', decide('r1'))
      await untilPushed(1)
      if (!isOpen) await ledger.close()
      damages[name](join(directory, '.git'))
      if (!isOpen) ledger = await open()
      await ledger.append('hub', decide('r2'))
      await untilPushed(2)
      await until(() => faults.size === 0, { deadlineMs: 5_000, what: 'no fault' })
      await assertNothingRewritten(remote)
      assert.ok(log.some((words) => words.includes('could not be read: it was moved to')))
      assert.ok(existsSync(join(directory, 'damaged.git')))
    })
  }

  it('a lock that a Git which was killed has left, while the hub lives', async (t) => {
    const { directory, open, untilPushed } = await openWorld(t)
    const ledger = await open()
    t.after(() => ledger.close())
    await ledger.append('hub', decide('r1'))
    await untilPushed(1)
    writeFileSync(join(directory, '.git', 'refs/heads', `${ledgerBranch}.lock`), '')
    await ledger.append('hub', decide('r2'))
    await untilPushed(2)
    assert.ok(!existsSync(join(directory, 'damaged.git')))
  })

  it('nothing that can be read is not gone on beside, when the file is gone too', async (t) => {
    const { directory, open } = await openWorld(t)
    const ledger = await open('')
    await ledger.append('hub', decide('r1'))
    await ledger.close()
    rmSync(join(directory, 'ledger.jsonl'))
    damages['no head'](join(directory, '.git'))
    for (let start = 0; start < 2; start += 1) {
      await assert.rejects(open(''), (error) => {
        assert.ok(error instanceof HubError)
        assert.match(error.message, /Restore ledger\.jsonl from a backup/)
        return error.code === 'ledger_unwritable'
      })
    }
    assert.ok(!existsSync(join(directory, 'damaged.git')), 'nothing is moved')
  })
})

/* What becomes of the file itself. */

it('I1: what a file was cut of is taken in again from the branch beside it', async () => {
  await using dir = await createTempDir('cut')
  const log: string[] = []
  const open = () =>
    openLedger(dir.path, {
      ...{ clock: Date.now, author, commitInterval: 20 },
      log: (_, message) => void log.push(message),
    })
  const path = join(dir.path, 'ledger.jsonl')
  const first = await open()
  for (const revision of ['r1', 'r2', 'r3']) await first.append('alice', decide(revision))
  await first.close()
  const whole = readFileSync(path, 'utf8')
  const [one = ''] = whole.split('\n')
  const zeros = Buffer.from(whole).fill(0, one.length + 20)
  for (const left of [`${one}\n`, whole.slice(0, -5), zeros]) {
    writeFileSync(path, left)
    const again = await open()
    assert.equal(again.head, 3)
    await again.close()
    assert.equal(readFileSync(path, 'utf8'), whole)
    assert.match(log.at(-1) ?? '', /lacked entries \d to 3: they were taken from the Git/)
  }
  // Another ledger, shorter than what the branch has: it is the file that counts.
  await using other = await createTempDir('other')
  const theirs = await openJournal(join(other.path, 'ledger.jsonl'), Date.now)
  await theirs.append('bob', decide('x1'))
  await theirs.close()
  copyFileSync(join(other.path, 'ledger.jsonl'), path)
  const theirsHere = await open()
  assert.equal(theirsHere.head, 1)
  assert.match(log.at(-1) ?? '', /of which its file is not the beginning/)
  await theirsHere.close()
})

it('a damaged line is named with what to do, and doing that restores the ledger', async () => {
  await using dir = await createTempDir('line')
  const open = () => openLedger(dir.path, { clock: Date.now, author, commitInterval: 20 })
  const path = join(dir.path, 'ledger.jsonl')
  const first = await open()
  for (const revision of ['r1', 'r2', 'r3']) await first.append('alice', decide(revision))
  await first.close()
  const whole = readFileSync(path, 'utf8')
  writeFileSync(path, whole.replace('r2', 'rX'))
  await assert.rejects(open(), {
    code: 'ledger_corrupt',
    message: /^ledger line 3: .+Nothing was changed\. Move .+ledger\.jsonl away, and start again/,
  })
  rmSync(path)
  const again = await open()
  assert.equal(again.head, 3)
  await again.close()
  assert.equal(readFileSync(path, 'utf8'), whole)
})
