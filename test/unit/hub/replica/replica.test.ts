import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../hub/errors.ts'
import { emptyChain } from '../../../../hub/ledger/chain.ts'
import type { ReplicatedRegister } from '../../../../hub/ledger/register.ts'
import type { LedgerRemote } from '../../../../hub/ledger/remote.ts'
import { emptyState } from '../../../../hub/ledger/replay.ts'
import { createReplica } from '../../../../hub/replica/replica.ts'
import type { SharedLedger, Sight, Taken } from '../../../../hub/replica/shared-ledger.ts'

const leaseMs = 1_000
const other = { lease: { holder: 'b#1', term: 1, left: 500 }, head: null, lines: [] }
const empty: Sight = { lease: null, head: null, lines: [] }

interface World {
  /** What Redis holds at a time. */
  sight(now: number): Sight
  take?(now: number): Taken
  /** Milliseconds until the remote answers; undefined while it is away. */
  remote(now: number): number | undefined
}

/** When a replica with nothing of its own takes the lease, in milliseconds; undefined within a minute. */
async function timeOfTaking(world: World): Promise<{ taken: number | undefined; asked: number }> {
  let now = 0
  const seen: { taken: number | undefined; asked: number } = { taken: undefined, asked: 0 }
  const stop = new AbortController()
  const register = {
    head: 0,
    end: emptyChain,
    state: emptyState(),
    adopt: async () => [],
    append: async () => [],
  } as unknown as ReplicatedRegister
  const shared: SharedLedger = {
    look: async () => world.sight(now),
    async take() {
      const answer = world.take?.(now) ?? 'taken'
      if (answer === 'taken') seen.taken = now
      return answer
    },
    renew: async () => 'held',
    append: async () => 'done',
    layOut: async () => {},
    furthestBehind: async () => null,
  }
  /** Time passes only while somebody sleeps; the next to wake is woken first. */
  const sleepers: { until: number; wake: () => void }[] = []
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((wake) => {
      if (signal?.aborted) return wake()
      sleepers.push({ until: now + ms, wake })
      signal?.addEventListener('abort', () => wake())
    })
  const remote: LedgerRemote = {
    async catchUp() {
      seen.asked += 1
      const takes = world.remote(now)
      if (takes === undefined) throw new HubError('source_unreachable', 'away')
      await sleep(takes)
      return 0
    },
    claim: async () => {},
    record: async () => false,
    push: async () => {},
    forget() {},
  }
  const replica = createReplica({
    ...{ name: 'a', holder: 'a#1', leaseMs, shared, sleep },
    register: () => register,
    remote: () => remote,
    monotonic: () => now,
    log: () => {},
  })
  const ended = replica.standBy(stop.signal).catch(() => {})
  while (seen.taken === undefined && now < 60_000) {
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve()
    sleepers.sort((a, b) => a.until - b.until)
    const next = sleepers.shift()
    if (!next) continue
    now = Math.max(now, next.until)
    next.wake()
  }
  stop.abort()
  for (const { wake } of sleepers) wake()
  await ended
  return seen
}

/** Times of entries that a replica which looks at these moments takes for the leader's clock. */
async function listFresh(looks: readonly { at: number; index: number }[]): Promise<number[]> {
  let now = 0
  let head = 0
  const fresh: number[] = []
  const stop = new AbortController()
  const left = [...looks]
  const digest = digestOf('one')
  const register = {
    get head() {
      return head
    },
    get end() {
      return { index: head, digest }
    },
    state: emptyState(),
    async adopt(lines: readonly string[]) {
      head += lines.length
      return lines.map((at) => ({ at: Number(at) }))
    },
  } as unknown as ReplicatedRegister
  const replica = createReplica({
    ...{ name: 'a', holder: 'a#1', leaseMs, monotonic: () => now, log: () => {} },
    register: () => register,
    shared: {
      async look() {
        const index = left[0]?.index ?? head
        const lines = Array.from({ length: index - head }, () => `${now}`)
        return { lease: { holder: 'b#1', term: 1, left: 1 }, head: { index, digest }, lines }
      },
    } as unknown as SharedLedger,
    onFresh: ({ at }) => void fresh.push(at),
    async sleep() {
      left.shift()
      if (left.length === 0) return stop.abort()
      now = left[0]!.at
    },
  })
  await replica.standBy(stop.signal).catch(() => {})
  return fresh
}

test('F29: an entry tells the leader’s time where nothing was lacking a moment before', async () => {
  const soon = leaseMs / 10
  const found = await listFresh([
    { at: 0, index: 3 },
    { at: soon, index: 4 },
    { at: 2 * soon, index: 4 },
    { at: 60_000, index: 5 },
    { at: 60_000 + soon, index: 6 },
  ])
  // What it lacked from before, and after it had slept, may be of any time.
  assert.deepEqual(found, [soon, 60_000 + soon])
})

describe('a replica that looks whether to lead', () => {
  it('F11: takes an emptied Redis when a lease has passed and the remote has answered', async () => {
    const { taken, asked } = await timeOfTaking({ sight: () => empty, remote: () => 10 })
    assert.ok(taken! >= leaseMs && taken! < 1.5 * leaseMs, `${taken}`)
    assert.equal(asked, 1)
  })

  it('F11: does not count what the remote said before another led', async () => {
    const world: World = {
      // It asks with nobody leading, is not let in, and another leads and is gone within two leases.
      sight: (now) => (now > 1_200 && now < 1_500 ? other : empty),
      take: (now) => (now < 1_500 ? 'behind' : 'taken'),
      remote: (now) => (now < 1_300 || now > 20_000 ? 10 : undefined),
    }
    const { taken } = await timeOfTaking(world)
    assert.ok(taken! > 20_000, `${taken}`)
  })

  it('F11: does not count an answer during which another led', async () => {
    const world: World = {
      sight: (now) => (now > 1_500 && now < 1_800 ? other : empty),
      remote: (now) => (now < 1_500 ? 3_000 : now > 20_000 ? 10 : undefined),
    }
    const { taken } = await timeOfTaking(world)
    assert.ok(taken! > 20_000, `${taken}`)
  })

  it('waits for a remote that takes longer than a lease, asked once', async () => {
    const { taken, asked } = await timeOfTaking({ sight: () => empty, remote: () => 5_000 })
    assert.ok(taken! >= 6_000 && taken! < 6_500, `${taken}`)
    assert.equal(asked, 1)
  })

  it('asks one that is away about once in a lease', async () => {
    const { taken, asked } = await timeOfTaking({ sight: () => empty, remote: () => undefined })
    assert.equal(taken, undefined)
    assert.ok(asked >= 40 && asked <= 60, `${asked}`)
  })
})
