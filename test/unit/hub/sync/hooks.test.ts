import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { ReportSchema } from '@groundswell/proto/gen/groundswell/v1/report_pb.ts'
import { HubError } from '../../../../hub/errors.ts'
import { createSyncHooks } from '../../../../hub/sync/hooks.ts'

test('a thousand agents that come back together have little decided again, and at the end once more', async () => {
  const timers: (() => void)[] = []
  const before = { cluster: 'a', connection: { state: 'Disconnected' }, applications: {} }
  let decided = 0
  const hooks = createSyncHooks({
    state: { assignments: new Map(), plans: new Map(), runs: new Map() },
    rollouts: { notice: async () => {} },
    redecide: async () => void (decided += 1),
    clock: () => 0,
    later: (_: number, run: () => void) => timers.push(run),
  } as never)
  const comeBack = async (): Promise<void> => {
    for (let at = 0; at < 1_000; at++) {
      const connected = { ...before, cluster: `c${at}`, connection: { state: 'Connected' } }
      hooks.onStatus(connected as never, before as never)
      if (at % 100 === 0) await Promise.resolve()
    }
  }
  await comeBack()
  const first = decided
  for (const run of timers.splice(0)) run()
  await Promise.resolve()
  assert.deepEqual([first, decided], [1, 2])
})

test('while other agents are still on their way, what they missed is decided more seldom', async () => {
  const timers: { readonly ms: number; readonly run: () => void }[] = []
  let [decided, now] = [0, 0]
  const before = { connection: { state: 'Disconnected' }, refusal: null }
  const names = Array.from({ length: 100 }, (_, at) => `c${at}`)
  const hooks = createSyncHooks({
    state: {
      assignments: new Map(names.map((name) => [name, new Map()])),
      plans: new Map(),
      runs: new Map(),
    },
    rollouts: { notice: async () => {} },
    // Takes two milliseconds.
    async redecide() {
      decided += 1
      now += 2
    },
    clock: () => now,
    later: (ms: number, run: () => void) => timers.push({ ms, run }),
  } as never)
  const comeBack = (cluster: string): void =>
    hooks.onStatus(
      { ...before, cluster, connection: { state: 'Connected' } } as never,
      before as never,
    )
  comeBack('c0')
  await Promise.resolve()
  await Promise.resolve()
  for (const name of names.slice(1, 50)) comeBack(name)
  const [sooner, later] = timers.splice(0)
  assert.deepEqual([sooner?.ms, later?.ms], [12, 48])
  sooner?.run()
  assert.equal(decided, 1, 'half of them are still away')
  later?.run()
  assert.equal(decided, 2)
})

test('a signer that is away is asked again and refuses nothing; one that refuses is told of', () => {
  const told: unknown[] = []
  let status: { refusal: { message: string } | null } = { refusal: null }
  let notices = 0
  const hooks = createSyncHooks({
    statuses: {
      get: () => status,
      update(_: string, change: (before: typeof status) => typeof status) {
        status = change(status)
        told.push(status.refusal)
      },
    },
    state: { assignments: new Map(), plans: new Map(), runs: new Map() },
    rollouts: { notice: async () => {} },
    redecide() {},
    offered: new Map(),
    replica: '1',
    clock: () => 0,
    later() {},
  } as never)
  const enrolment = { cluster: 'a' } as never
  hooks.session.onConnected(enrolment, { notice: () => (notices += 1) } as never)
  told.length = 0

  hooks.onSignRefused('a', new HubError('signer_unavailable', 'it restarts'))
  hooks.retryUnsigned()
  assert.deepEqual([told, notices], [[], 1])
  hooks.onSignRefused('a', new HubError('sign_unattested', 'not attested'))
  assert.deepEqual(told, [{ code: 'sign_unattested', message: 'not attested' }])
  // What it said before it went away stands.
  hooks.onSignRefused('a', new HubError('signer_unavailable', 'it restarts'))
  assert.equal(status.refusal?.message, 'not attested')
  hooks.onSignRefused('a', null)
  hooks.retryUnsigned()
  assert.deepEqual([status.refusal, notices], [null, 1])
})

test('T19: what an agent runs is known by a whole report of it, not by what changed just before it was welcome', () => {
  const heard: string[] = []
  let notices = 0
  const hooks = createSyncHooks({
    statuses: { update() {} },
    restraint: {
      hear: (cluster: string) => heard.push(cluster) > 0,
      isWatched: () => false,
    },
    countReport() {},
    clock: () => 0,
    later() {},
  } as never)
  hooks.session.onConnected({ cluster: 'a' } as never, { notice: () => (notices += 1) } as never)
  const report = (sequence: bigint, complete: boolean): void =>
    hooks.session.onReport('a', create(ReportSchema, { sequence, complete }))
  report(7n, false)
  report(0n, true)
  assert.deepEqual([heard, notices], [[], 0])
  report(7n, true)
  assert.deepEqual([heard, notices], [['a'], 1])
  // It joined with nothing, and has told of each change since: with Redis emptied nothing was ever offered it again.
  for (const [sequence, complete] of [
    [0n, true],
    [7n, false],
  ] as const) {
    hooks.session.onReport('b', create(ReportSchema, { sequence, complete }))
  }
  assert.deepEqual(heard, ['a', 'b'])
})
