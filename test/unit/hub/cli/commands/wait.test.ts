import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationView } from '../../../../../hub/client/gen/api.ts'
import { runProgram } from '../../../../../hub/cli/program.ts'
import { createFakeTerminal } from '../../../../support/fake-terminal.ts'

test('whoever waits for a rollout by the name of its application is told how to', async () => {
  const problem = {
    ...{ type: 'about:blank', title: 'Not found', status: 404, detail: 'No rollout shop' },
    ...{ instance: 'urn:uuid:1', code: 'not_found', errors: [] },
  }
  const { terminal, said } = createFakeTerminal({
    fetch: async () => ({
      ...{ ok: false, status: 404, statusText: 'Not Found' },
      body: (async function* () {
        yield Buffer.from(JSON.stringify(problem))
      })(),
      headers: { get: () => null },
    }),
  })
  assert.equal(await runProgram(['wait', 'rollout', 'shop'], terminal), 1)
  assert.match(said.err, /No rollout shop/)
  assert.match(said.err, /`swell wait application shop`/)
})

const commit = 'c'.repeat(40)

/** Answers by path, the last of each for ever; a problem has its status. */
function createHub(answers: Readonly<Record<string, readonly object[]>>) {
  const asked: string[] = []
  let now = 0
  const fake = createFakeTerminal({
    now: () => now,
    wait: async (ms) => void (now += ms),
    async fetch(url) {
      const { pathname } = new URL(url)
      const all = answers[pathname] ?? []
      const before = asked.filter((one) => one === pathname).length
      asked.push(pathname)
      const answer = all[Math.min(before, all.length - 1)]
      const { status = 200 } = answer as { readonly status?: number }
      return {
        ...{ ok: status < 300, status, statusText: '' },
        body: (async function* () {
          yield Buffer.from(JSON.stringify(answer))
        })(),
        headers: { get: () => null },
      }
    },
  })
  return { ...fake, asked }
}

const shop = '/api/v1/applications/shop'
const there: ApplicationView = {
  ...{ name: 'shop', labels: {}, strategy: 'canary', suspended: false, targets: 1, hold: null },
  source: { repository: 'fleet', path: 'apps/shop', kind: 'kustomize' },
  revision: 'main@sha1:a',
  counts: { updated: 1, pending: 0, failed: 0, unreachable: 0, drifted: 0 },
  rollout: null,
}
const taken = { commit, state: 'taken', repository: 'fleet', revision: 'main@sha1:d' }
const notYet = { commit, state: 'notYet', repository: null, revision: null }

// A pipeline that pushed, and waited, was told of what ran before its commit.
test('an application that has all of what was asked before is waited for until a commit is taken', async () => {
  const { terminal, said, asked } = createHub({
    [`${shop}/commits/${commit}`]: [notYet, notYet, taken],
    [shop]: [there],
  })
  assert.equal(await runProgram(['wait', 'app', 'shop', '--commit', commit], terminal), 0, said.err)
  assert.match(said.err, /commit c{40} is not read, or not decided on yet/)
  assert.equal(asked.filter((path) => path === shop).length, 1)
  assert.match(said.out, /application\/shop updated/)
})

test('an application that comes with the commit is waited for, and one that is named alone is not', async () => {
  const missing = {
    ...{ type: 'about:blank', title: 'Not found', status: 404, detail: 'No application shop' },
    ...{ instance: 'urn:uuid:1', code: 'not_found', errors: [] },
  }
  const answers = { [`${shop}/commits/${commit}`]: [missing, missing, taken] }
  const { terminal, said } = createHub({ ...answers, [shop]: [there] })
  assert.equal(await runProgram(['wait', 'app', 'shop', '--commit', commit], terminal), 0, said.err)
  assert.match(said.err, /No application shop.*: it may come with commit c{40}/)
  const alone = createHub({ [shop]: [missing] })
  assert.equal(await runProgram(['wait', 'app', 'shop'], alone.terminal), 1)
  const late = createHub({ [`${shop}/commits/${commit}`]: [missing] })
  assert.equal(await runProgram(['wait', 'app', 'shop', '--commit', commit], late.terminal), 1)
  assert.match(late.said.err, /No application shop/)
})

test('a commit that the fleet repository is refused with is waited for no longer', async () => {
  const refused = { ...taken, state: 'refused' }
  const { terminal, said } = createHub({
    [`${shop}/commits/${commit}`]: [refused],
    [shop]: [there],
  })
  assert.equal(await runProgram(['wait', 'app', 'shop', '--commit', commit], terminal), 1)
  assert.match(said.err, /refused at main@sha1:d; `swell fleet` says why/)
})

test('a part of a commit, and a commit of a cluster, are not guessed at', async () => {
  for (const [args, said] of [
    [['app', 'shop', '--commit', 'c0ffee'], /40 digits/],
    [['cluster', 'edge', '--commit', commit], /--commit is for applications/],
  ] as const) {
    const hub = createHub({})
    assert.equal(await runProgram(['wait', ...args], hub.terminal), 2)
    assert.match(hub.said.err, said)
    assert.deepEqual(hub.asked, [])
  }
})
