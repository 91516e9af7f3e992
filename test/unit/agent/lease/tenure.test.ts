import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AgentError } from '../../../../agent/errors.ts'
import type { LeaseStore, ReadLease } from '../../../../agent/lease/kube.ts'
import { type LeaseRecord, leaseMs } from '../../../../agent/lease/lease.ts'
import { type Tenure, awaitTenure } from '../../../../agent/lease/tenure.ts'
import { createSeed, type Seed } from '../../../support/seed.ts'
import { type ManualClock, createManualClock, settle } from '../../../support/manual-clock.ts'

/** A Lease that any number of agents share. */
function createSharedLease() {
  let record: LeaseRecord = { holder: '', version: '', relieved: [] }
  let version = 1
  const shared = {
    down: false,
    record: () => record,
    open(): LeaseStore {
      const check = (): void => {
        if (shared.down) throw new AgentError('cluster_unreachable', 'down')
      }
      const now = (): ReadLease => ({ record, version: String(version) })
      return {
        label: 'Lease test',
        async read() {
          check()
          return now()
        },
        async write(next, before) {
          check()
          if (before.version !== String(version)) return null
          record = next
          version += 1
          return now()
        },
        close: async () => {},
      }
    },
  }
  return shared
}

interface Pod {
  readonly name: string
  readonly lines: string[]
  tenure: Tenure | null | undefined
  fault: AgentError | undefined
  proofs: number
  stop: AbortController
}

function start(lease: LeaseStore, name: string, clock: ManualClock, fault?: AgentError): Pod {
  const pod: Pod = {
    ...{ name, lines: [], tenure: undefined, fault, proofs: 0, stop: new AbortController() },
  }
  const say = (_: object, message: string) => void pod.lines.push(message)
  const waiting = awaitTenure(
    {
      lease,
      me: name,
      version: '1',
      async prove() {
        pod.proofs += 1
        if (pod.fault) throw pod.fault
      },
      monotonic: () => clock.now(),
      sleep: (ms, signal) => clock.sleep(ms, signal).catch(() => {}),
      log: { info: say, warn: say },
    },
    pod.stop.signal,
  )
  const wait = async (): Promise<void> => {
    pod.tenure = await waiting
  }
  void wait()
  return pod
}

const runs = (pod: Pod): boolean => pod.tenure != null && !pod.tenure.lost.aborted

/** How a release can be bad: it cannot start, cannot connect, is not let in, or cannot verify. */
const faults = ['config_invalid', 'hub_unreachable', 'identity_refused', 'digest_mismatch'] as const

/** Bad releases one after another and beside each other, an API server that is away now and then, then a good one. */
async function playReleases({ random }: Seed): Promise<void> {
  const [lease, clock] = [createSharedLease(), createManualClock()]
  const old = start(lease.open(), 'old', clock)
  await settle()
  assert.ok(runs(old))
  const pods: Pod[] = []
  for (let release = 0; release < 5; release += 1) {
    const fault = faults[Math.floor(random() * faults.length)]!
    const name = `bad-${Math.floor(random() * 3)}`
    const pod = start(lease.open(), name, clock, new AgentError(fault, 'cannot'))
    pods.push(pod)
    for (let step = 0; step < 4; step += 1) {
      // An API server that is away keeps the old one from renewing, and everybody from taking over.
      lease.down = random() < 0.3
      await clock.advance(Math.floor(random() * leaseMs))
      if (random() < 0.2) pods[Math.floor(random() * pods.length)]!.stop.abort()
      assert.ok(runs(old), 'the old one runs')
      assert.ok(!pods.some(runs), 'no bad one does')
    }
  }
  lease.down = false
  await clock.advance(2 * leaseMs)
  assert.equal(lease.record().holder, 'old')
  const good = start(lease.open(), 'good', clock)
  await clock.advance(60_000)
  assert.ok(runs(good))
  assert.equal(runs(old), false)
  assert.ok(!pods.some(runs), 'no bad one does, also afterwards')
  assert.equal(lease.record().holder, 'good')
}

describe('an agent and its successor', () => {
  test('the new one takes over once it is proven, and the old one learns of it', async () => {
    const [lease, clock] = [createSharedLease(), createManualClock()]
    const old = start(lease.open(), 'old', clock)
    await settle()
    assert.ok(runs(old))
    const next = start(lease.open(), 'next', clock)
    await clock.advance(1_000)
    assert.equal(next.proofs, 1)
    assert.ok(runs(next))
    await clock.advance(5_000)
    assert.equal(runs(old), false)
    assert.equal((old.tenure!.lost.reason as AgentError).code, 'another_agent')
    assert.ok(runs(next))
  })

  test('I4: one that was cut off, or stood still, looks before it writes again', async () => {
    const [lease, clock] = [createSharedLease(), createManualClock()]
    const store = lease.open()
    let isCut = false
    const old = start(
      {
        ...store,
        async write(...given) {
          if (isCut) throw new AgentError('cluster_unreachable', 'cut off')
          return store.write(...given)
        },
      },
      'old',
      clock,
    )
    await settle()
    await clock.advance(60_000)
    await old.tenure!.confirm()
    isCut = true
    await clock.advance(leaseMs - 6_000)
    await old.tenure!.confirm()
    await clock.advance(6_000)
    await assert.rejects(old.tenure!.confirm(), { code: 'cluster_unreachable' })
    // Nobody came meanwhile: it goes on at once.
    isCut = false
    await old.tenure!.confirm()
    isCut = true
    const next = start(lease.open(), 'next', clock, new AgentError('hub_unreachable', 'cannot'))
    await clock.advance(leaseMs + 2_000)
    assert.ok(runs(next))
    isCut = false
    await assert.rejects(old.tenure!.confirm(), { code: 'another_agent' })
    assert.equal(runs(old), false)
    await next.tenure!.confirm()
  })

  for (const code of ['hub_unreachable', 'identity_refused', 'digest_mismatch'] as const) {
    test(`F56: one that fails by ${code} leaves the old one in place, for as long as it tries`, async () => {
      const [lease, clock] = [createSharedLease(), createManualClock()]
      const old = start(lease.open(), 'old', clock)
      await settle()
      const broken = start(lease.open(), 'broken', clock, new AgentError(code, 'cannot'))
      await clock.advance(10 * 60_000)
      assert.ok(runs(old))
      assert.equal(broken.tenure, undefined)
      assert.ok(broken.proofs > 5 && broken.proofs < 40, `${broken.proofs} proofs`)
      assert.ok(broken.lines.includes('not proven, the other agent stays: cannot'))
      // What stood against it passes.
      broken.fault = undefined
      await clock.advance(60_000)
      assert.ok(runs(broken))
      assert.equal(runs(old), false)
    })
  }

  test('F56: one that goes down and comes up again for ever never takes over', async () => {
    const [lease, clock] = [createSharedLease(), createManualClock()]
    const old = start(lease.open(), 'old', clock)
    await settle()
    for (let crash = 0; crash < 50; crash += 1) {
      const next = start(lease.open(), 'next', clock, new AgentError('config_invalid', 'no'))
      await clock.advance(1_500)
      next.stop.abort()
    }
    assert.ok(runs(old))
    assert.equal(lease.record().holder, 'old')
  })

  test('F56: through releases of every bad kind one agent runs all along, and the good one takes over (20 seeds)', async () => {
    for (let n = 0; n < 20; n += 1) {
      const seed = createSeed(process.env['SEED'] ?? String(56_000 + n))
      try {
        await playReleases(seed)
      } catch (cause) {
        throw new Error(`SEED=${seed.text}: ${(cause as Error).message}`, { cause })
      }
    }
  })

  test('F28: who was relieved stands by when it starts again, and takes over only when alone', async () => {
    const [lease, clock] = [createSharedLease(), createManualClock()]
    start(lease.open(), 'old', clock)
    await settle()
    const next = start(lease.open(), 'next', clock)
    await clock.advance(1_000)
    const again = start(lease.open(), 'old', clock)
    await clock.advance(60_000)
    assert.ok(runs(next))
    assert.equal(again.proofs, 0)
    await next.tenure!.release()
    await clock.advance(1_000)
    assert.ok(runs(again))
  })

  test('one that died without a word is followed after the time of the lease, with nobody to ask', async () => {
    const [lease, clock] = [createSharedLease(), createManualClock()]
    const store = lease.open()
    const free = (await store.read())!
    await store.write({ ...free.record, holder: 'dead' }, free)
    const away = new AgentError('hub_unreachable', 'the hub is away')
    const next = start(lease.open(), 'next', clock, away)
    await clock.advance(leaseMs - 1_000)
    assert.equal(next.tenure, undefined)
    await clock.advance(2_000)
    assert.ok(runs(next))
  })

  test('F31: an API server that is away takes it from nobody', async () => {
    const [lease, clock] = [createSharedLease(), createManualClock()]
    const old = start(lease.open(), 'old', clock)
    await settle()
    const away = new AgentError('hub_unreachable', 'the hub is away')
    const next = start(lease.open(), 'next', clock, away)
    await clock.advance(3_000)
    lease.down = true
    await clock.advance(10 * leaseMs)
    assert.ok(runs(old))
    // Back, with the one who waits looking first: that nothing was renewed meanwhile says nothing.
    lease.down = false
    await clock.advance(5 * leaseMs)
    assert.ok(runs(old))
    assert.equal(next.tenure, undefined)
  })
})
