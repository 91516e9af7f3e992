import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { HubError } from '../../hub/errors.ts'
import { createRepository, ledgerBranch } from '../../hub/ledger/branch/git.ts'
import { type Journal, openJournal } from '../../hub/ledger/fs.ts'
import { type LedgerRemote, createLedgerRemote } from '../../hub/ledger/remote.ts'
import { createSeal } from '../../hub/replica/seal.ts'
import { assertNothingRewritten, gitIn, readRemoteLedger } from '../support/ledger-branch.ts'
import { createLosing } from '../support/lost-git.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* Hubs that push to one branch, one of them led before the other. */

const ours = createSeal(Buffer.from('of this fleet'), 'ledger-remote')
const deadlineMs = 20_000

interface Pusher {
  readonly name: string
  readonly journal: Journal
  readonly remote: LedgerRemote
  readonly adopt: (lines: readonly string[]) => Promise<unknown>
  decide(...texts: readonly string[]): Promise<void>
  lines(): Promise<string[]>
}

async function openWorld(t: TestContext) {
  const dir = await createTempDir('ledger-remote')
  t.after(() => dir.remove())
  const url = join(dir.path, 'remote.git')
  await gitIn(dir.path, 'init', '--quiet', '--bare', 'remote.git')
  return {
    url,
    async join(name: string, seal = ours): Promise<Pusher> {
      const directory = join(dir.path, name)
      const journal = await openJournal(join(directory, 'ledger.jsonl'), () => 1_700_000_000_000)
      t.after(() => journal.close())
      const author = { name, email: `${name}@test` }
      const branch = createRepository(directory, { author }, { url })
      await branch.init(true)
      const log = (): void => {}
      const remote = createLedgerRemote({
        ...{ branch, url, own: journal, seal, by: name, alone: false, log },
      })
      return {
        name,
        journal,
        remote,
        adopt: (lines) => journal.adopt(lines),
        async decide(...texts) {
          await journal.append(
            name,
            texts.map((revision) => ({ type: 'fleet.accepted', revision })),
          )
        },
        async lines() {
          const lines: string[] = []
          for await (const entry of journal.read()) lines.push(JSON.stringify(entry))
          return lines
        },
      }
    },
  }
}

const isCode = (code: string) => (error: unknown) =>
  error instanceof HubError && error.code === code

/** As Redis would have it: what one decided is with the other. */
async function follow(follower: Pusher, leader: Pusher): Promise<void> {
  const lines = await leader.lines()
  await follower.journal.adopt(lines.slice(follower.journal.head))
}

test('who leads next takes in what only the remote has, and goes on from its commits', async (t) => {
  const { url, join: open } = await openWorld(t)
  const [a, b] = [await open('a'), await open('b')]
  await a.decide('r1')
  await follow(b, a)
  await a.decide('r2', 'r3')
  await a.remote.push(1)
  assert.equal(await b.remote.catchUp({ adopt: b.adopt, deadlineMs }), 1)
  assert.deepEqual(await b.lines(), await a.lines())
  await b.remote.claim(2, { adopt: b.adopt, deadlineMs })
  await b.decide('r4')
  await b.remote.push(2)
  assert.deepEqual(await readRemoteLedger(url), await b.lines())
  assert.equal(await assertNothingRewritten(url), 3)
  const said = await gitIn(url, 'log', '-1', '--format=%s', ledgerBranch)
  assert.equal(said, 'Ledger up to entry 4 in term 2')
})

test('F3: an old leader that wakes cannot push, whatever it has: the branch is marked for a newer term', async (t) => {
  const { url, join: open } = await openWorld(t)
  const [a, b] = [await open('a'), await open('b')]
  await a.decide('r1')
  await a.remote.push(1)
  await follow(b, a)
  await b.remote.claim(2, { adopt: b.adopt, deadlineMs })
  // Nobody has this entry but the one that slept.
  await a.decide('late')
  for (let wake = 0; wake < 3; wake += 1) {
    await assert.rejects(a.remote.push(1), isCode('no_leader'))
  }
  await b.decide('r2')
  await b.remote.push(2)
  assert.deepEqual(await readRemoteLedger(url), await b.lines())
  await assertNothingRewritten(url)
  // By now it is another ledger, and that is said by name, with where they part.
  const refused = a.remote.catchUp({ adopt: a.adopt, deadlineMs })
  await assert.rejects(refused, /ledger's remote .* it has another entry 2, of b in term 2/)
})

test('what an old leader pushed before the branch was marked is taken in, and nothing is lost', async (t) => {
  const { url, join: open } = await openWorld(t)
  const [a, b] = [await open('a'), await open('b')]
  await a.decide('r1')
  await a.remote.push(1)
  await follow(b, a)
  await b.remote.catchUp({ adopt: b.adopt, deadlineMs })
  // Its push was on its way when it fell asleep.
  await a.decide('on its way')
  await a.remote.push(1)
  await b.remote.claim(2, { adopt: b.adopt, deadlineMs })
  assert.deepEqual(await b.lines(), await a.lines())
  await assertNothingRewritten(url)
})

test('F4: of two that push at once, each from where it saw the branch, one gets in and the other looks again', async (t) => {
  const { url, join: open } = await openWorld(t)
  const [a, b] = [await open('a'), await open('b')]
  await a.decide('r1')
  await follow(b, a)
  await Promise.all([a.remote.push(1), b.remote.push(1)])
  for (let round = 0; round < 4; round += 1) {
    await a.decide(`round ${round}`)
    await follow(b, a)
    await Promise.all([a.remote.push(1), b.remote.push(1)])
  }
  assert.deepEqual(await readRemoteLedger(url), await a.lines())
  await assertNothingRewritten(url)
  // The same, where each has an entry of its own.
  await a.decide('of a')
  await b.decide('of b')
  const ends = await Promise.allSettled([a.remote.push(1), b.remote.push(1)])
  assert.deepEqual(ends.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  const lost = ends.find((end) => end.status === 'rejected')!
  assert(isCode('ledger_diverged')(lost.reason), String(lost.reason))
  await assertNothingRewritten(url)
})

test('lines that no hub of the fleet sealed are not taken in, however well they are chained', async (t) => {
  const { url, join: open } = await openWorld(t)
  const theirs = createSeal(Buffer.from('of somebody else'), 'ledger-remote')
  const [a, mallory, b] = [await open('a'), await open('mallory', theirs), await open('b')]
  await a.decide('r1')
  await a.remote.push(1)
  await follow(b, a)
  await follow(mallory, a)
  await mallory.decide('made up')
  await mallory.remote.push(9)
  for (const one of [a, b]) {
    const asked = one.remote.catchUp({ adopt: one.adopt, deadlineMs })
    await assert.rejects(asked, isCode('source_refused'))
    assert.equal(one.journal.head, 1)
    await one.decide('r2')
    await assert.rejects(one.remote.push(1), isCode('source_refused'))
  }
  assert.equal((await readRemoteLedger(url)).length, 2)
})

test('a branch that says more of itself than it holds, or was cut, is refused', async (t) => {
  const { url, join: open } = await openWorld(t)
  const [a, b] = [await open('a'), await open('b')]
  await a.decide('r1', 'r2', 'r3')
  await a.remote.push(1)
  const message = await gitIn(url, 'log', '-1', '--format=%B', ledgerBranch)
  const lines = await a.lines()
  for (const broken of [
    lines.slice(0, 2),
    lines.with(1, lines[1]!.replace('r2', 'rx')),
    lines.with(2, 'torn'),
    [],
  ]) {
    const work = join(url, 'work')
    await gitIn(url, 'worktree', 'prune')
    await gitIn(url, 'worktree', 'add', '--quiet', '--detach', work, ledgerBranch)
    writeFileSync(join(work, 'ledger.jsonl'), broken.map((line) => `${line}\n`).join(''))
    await gitIn(work, '-c', 'user.name=m', '-c', 'user.email=m@test', 'commit', '-qam', message)
    await gitIn(
      url,
      'update-ref',
      `refs/heads/${ledgerBranch}`,
      await gitIn(work, 'rev-parse', 'HEAD'),
    )
    rmSync(work, { recursive: true })
    const asked = b.remote.catchUp({ adopt: b.adopt, deadlineMs })
    await assert.rejects(asked, isCode('ledger_diverged'))
    assert.equal(b.journal.head, 0)
  }
})

test('a rule of the host that keeps the branch from being pushed is told by its name', async (t) => {
  const { url, join: open } = await openWorld(t)
  const a = await open('a')
  await a.decide('r1')
  mkdirSync(join(url, 'hooks'), { recursive: true })
  const hook = join(url, 'hooks', 'pre-receive')
  writeFileSync(hook, '#!/bin/sh\necho "nobody pushes here"\nexit 1\n')
  chmodSync(hook, 0o755)
  const words = /cannot be pushed to: the branch was not taken \(pre-receive hook declined\)/
  await assert.rejects(a.remote.push(1), words)
  rmSync(hook)
  await a.remote.push(1)
  assert.deepEqual(await readRemoteLedger(url), await a.lines())
})

test('a branch without a ledger in it is refused in words, and left as it is', async (t) => {
  const { url, join: open } = await openWorld(t)
  const a = await open('a')
  await a.decide('r1')
  const empty = await gitIn(url, 'hash-object', '-w', '-t', 'tree', '/dev/null')
  const by = ['-c', 'user.name=m', '-c', 'user.email=m@test']
  const other = await gitIn(url, ...by, 'commit-tree', empty, '-m', 'Start here')
  await gitIn(url, 'update-ref', `refs/heads/${ledgerBranch}`, other)
  await assert.rejects(a.remote.push(1), isCode('source_refused'))
  assert.equal(await gitIn(url, 'rev-parse', ledgerBranch), other)
})

test('a commit is never made without those before it, also where Git gives no answer', async (t) => {
  const dir = await createTempDir('ledger-remote')
  t.after(() => dir.remove())
  const journal = await openJournal(join(dir.path, 'ledger.jsonl'), () => 1_700_000_000_000)
  t.after(() => journal.close())
  await journal.append('a', [{ type: 'fleet.accepted', revision: 'r1' }])
  let isLost = false
  const run = createLosing('rev-parse', () => isLost)
  const branch = createRepository(dir.path, { author: { name: 'a', email: 'a@test' }, run })
  await branch.init(true)
  await branch.record(journal.size, 'one')
  isLost = true
  await assert.rejects(branch.record(journal.size, 'two'), isCode('ledger_unwritable'))
  isLost = false
  const third = await branch.record(journal.size, 'three')
  assert.equal(await gitIn(dir.path, 'log', '--format=%s', third), 'three\none')
})
