import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { Queue } from 'bullmq'
import { HubError } from '../../hub/errors.ts'
import { openJournal } from '../../hub/ledger/fs.ts'
import { replay } from '../../hub/ledger/replay.ts'
import { connectRedis } from '../../hub/redis.ts'
import { createRollouts } from '../../hub/rollout/advance/advance.ts'
import { createWakeUps } from '../../hub/rollout/advance/bullmq.ts'
import { createRolloutStore } from '../../hub/rollout/store/redis.ts'
import {
  type Assignment,
  type ClusterObservation,
  finalPhases,
  type RolloutPlan,
} from '../../hub/rollout/rollout.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { good, idle, plan, target, wave } from '../unit/hub/rollout/world.ts'

let server: TestRedis
before(async () => {
  server = await startRedis()
})
after(() => server.stop())

const clock = () => Date.now()
let fleets = 0

/** Clusters that run what they were last assigned, and report it when told to. */
function createClusters() {
  const running = new Map<string, Assignment>()
  const bad = new Set<string>()
  const held = new Set<string>()
  let assigns = 0
  return {
    bad,
    /** Clusters that take their time: assigned, but silent. */
    held,
    running,
    get assigns() {
      return assigns
    },
    async assign(assignments: readonly Assignment[]): Promise<void> {
      for (const assignment of assignments) {
        assigns += 1
        const before = running.get(assignment.cluster)
        if (before && before.generation >= assignment.generation) continue
        running.set(assignment.cluster, assignment)
      }
    },
    async observe(_: string, names: readonly string[]) {
      return Object.fromEntries(
        names.map((name): [string, ClusterObservation] => {
          const mine = running.get(name)
          if (!mine || held.has(name)) return [name, idle()]
          const failed = bad.has(name) && mine.digest === good.digest
          return [
            name,
            {
              ...idle(),
              application: {
                digest: mine.digest,
                generation: mine.generation,
                phase: mine.digest === null ? 'Removed' : 'Applied',
                health: failed ? 'Failed' : mine.digest === null ? 'NotFound' : 'Current',
                message: failed ? 'crash loop' : '',
              },
            },
          ]
        }),
      )
    },
  }
}

/** A hub's rollouts on a directory and a fleet name; opening again is a restart. */
async function openHub(
  dir: TempDir,
  fleet: string,
  clusters: ReturnType<typeof createClusters>,
  sweepInterval = 100,
) {
  const redis = await connectRedis(server.url)
  const wake = createWakeUps({ url: server.url, fleet, clock })
  const ledger = await openJournal(join(dir.path, 'ledger.jsonl'), clock)
  const store = createRolloutStore(redis, fleet)
  const rollouts = createRollouts({
    ledger,
    state: await replay(ledger.read()),
    store,
    wake,
    observe: (application, names) => clusters.observe(application, names),
    assign: (assignments) => clusters.assign(assignments),
    measure: async () => ({ kind: 'unanswered', message: 'nobody measures here' }),
    clock,
    log: () => undefined,
    sweepInterval,
  })
  await rollouts.restore()
  return {
    rollouts,
    store,
    redis,
    ledger,
    async [Symbol.asyncDispose]() {
      await rollouts.close()
      await wake.close()
      await ledger.close()
      redis.disconnect()
    },
  }
}

const soak = { soak: 150 }
const waves = [
  wave('canary', ['a'], soak),
  wave('rest', ['b', 'c', 'd'], { ...soak, maxConcurrent: 2 }),
]

async function ended(hub: Awaited<ReturnType<typeof openHub>>, id: string) {
  return until(
    () => {
      const run = hub.rollouts.state.runs.get(id)
      return run && finalPhases.has(run.phase) && run
    },
    { deadlineMs: 20_000, what: `rollout ${id} to end` },
  )
}

function outcomes(run: { clusters: Readonly<Record<string, { state: string }>> }) {
  return Object.fromEntries(
    Object.entries(run.clusters).map(([name, progress]) => [
      name,
      'outcome' in progress ? progress.outcome : progress.state,
    ]),
  )
}

const allGood = { a: 'Succeeded', b: 'Succeeded', c: 'Succeeded', d: 'Succeeded' }

test('a rollout goes through its waves by wake-ups alone, with jobs by wave', async (t) => {
  await using dir = await createTempDir('rollouts')
  const clusters = createClusters()
  const fleet = `adv-${(fleets += 1)}`
  await using hub = await openHub(dir, fleet, clusters, 3_600_000)
  const queue = new Queue('rollouts', {
    connection: { url: server.url },
    prefix: `gs:{${fleet}}:queue`,
  })
  queue.on('error', () => undefined)
  t.after(() => queue.close())
  const many = Array.from({ length: 60 }, (_, at) => `c${at}`)
  await hub.rollouts.create(plan([wave('all', many, soak)]), { start: true })
  const count = () => queue.getJobCountByTypes('wait', 'active', 'delayed', 'failed')
  await hub.rollouts.notice('shop')
  assert.equal(await count(), 1, 'one job for sixty clusters')
  const run = await ended(hub, 'r1')
  assert.equal(run.message, '60 succeeded')
  assert.deepEqual((await hub.store.get('r1'))?.run, run)
  await until(async () => (await count()) === 0, { deadlineMs: 5_000, what: 'no job left' })
})

test('F11: Redis emptied in mid-wave is rebuilt by itself and ends the same', async () => {
  await using dir = await createTempDir('flush')
  const clusters = createClusters()
  clusters.held.add('b')
  await using hub = await openHub(dir, `adv-${(fleets += 1)}`, clusters)
  await hub.rollouts.create(plan(waves), { start: true })
  await until(() => clusters.running.has('b'), { deadlineMs: 10_000, what: 'wave two' })
  const generation = clusters.running.get('b')!.generation
  await hub.redis.flushall()
  assert.equal(await hub.store.get('r1'), undefined)
  await until(async () => (await hub.store.get('r1')) !== undefined, {
    deadlineMs: 5_000,
    what: 'the store to be rebuilt',
  })
  assert.ok(hub.rollouts.state.runs.get('r1')!.wave === 1)
  assert.equal(clusters.running.get('b')!.generation, generation, 'nobody is offered it twice')
  clusters.held.clear()
  assert.deepEqual(outcomes(await ended(hub, 'r1')), allGood)
  assert.equal((await hub.store.list({ limit: 9, active: true })).rollouts.length, 0)
})

test('F2: a hub that dies in mid-wave goes on from its ledger, even with an empty Redis', async () => {
  await using dir = await createTempDir('restart')
  const clusters = createClusters()
  clusters.held.add('b')
  const fleet = `adv-${(fleets += 1)}`
  const first = await openHub(dir, fleet, clusters)
  await first.rollouts.create(plan(waves), { start: true })
  await until(() => clusters.running.has('b'), { deadlineMs: 10_000, what: 'wave two' })
  const was = first.rollouts.state.runs.get('r1')
  await first[Symbol.asyncDispose]()
  // Its last effects never arrived.
  clusters.running.delete('b')
  const redis = await connectRedis(server.url)
  await redis.flushall()
  redis.disconnect()
  await using second = await openHub(dir, fleet, clusters)
  assert.deepEqual(clusters.running.get('b')?.digest, good.digest, 'the assignment came again')
  assert.equal(second.rollouts.state.runs.get('r1')?.wave, was?.wave)
  clusters.held.clear()
  assert.deepEqual(outcomes(await ended(second, 'r1')), allGood)
})

test('F10: Redis killed and started again holds nothing up for good', async () => {
  await using dir = await createTempDir('kill')
  const clusters = createClusters()
  clusters.held.add('b')
  await using hub = await openHub(dir, `adv-${(fleets += 1)}`, clusters)
  await hub.rollouts.create(plan(waves), { start: true })
  await until(() => clusters.running.has('b'), { deadlineMs: 10_000, what: 'wave two' })
  await server.kill()
  clusters.held.clear()
  await hub.rollouts.notice('shop')
  const moved = hub.rollouts.state.runs.get('r1')!
  assert.equal(moved.clusters['b']?.state, 'Soaking', 'decisions need the ledger, not Redis')
  await server.start()
  const run = await ended(hub, 'r1')
  assert.deepEqual(outcomes(run), allGood)
  await until(async () => (await hub.store.get('r1'))?.run.version === run.version, {
    deadlineMs: 10_000,
    what: 'the store to catch up',
  })
})

test('notices in any number at once change nothing twice', async () => {
  await using dir = await createTempDir('notices')
  const clusters = createClusters()
  await using hub = await openHub(dir, `adv-${(fleets += 1)}`, clusters)
  await hub.rollouts.create(plan(waves), { start: true })
  while (!finalPhases.has(hub.rollouts.state.runs.get('r1')!.phase)) {
    await Promise.all(Array.from({ length: 50 }, () => hub.rollouts.notice('shop')))
    await new Promise(setImmediate)
  }
  assert.equal(clusters.assigns, 4, 'each cluster was assigned once')
  const replayed = await replay(hub.ledger.read())
  assert.deepEqual(replayed.runs.get('r1'), hub.rollouts.state.runs.get('r1'))
  assert.deepEqual(replayed.assignments, hub.rollouts.state.assignments)
})

test('B78: of many who act on the version that they read, one does', async () => {
  await using dir = await createTempDir('versions')
  const clusters = createClusters()
  await using hub = await openHub(dir, `adv-${(fleets += 1)}`, clusters)
  const gated = [wave('all', ['a'], { before: [{ kind: 'approval', role: 'operator', count: 9 }] })]
  await hub.rollouts.create(plan(gated), { start: true })
  const { version } = hub.rollouts.state.runs.get('r1')!
  const tried = await Promise.allSettled(
    Array.from({ length: 20 }, (_, at) =>
      hub.rollouts.act('r1', { kind: 'approve', roles: ['operator'] }, `p${at}`, '', version),
    ),
  )
  const refused = tried.filter((one) => one.status === 'rejected')
  assert.equal(refused.length, 19)
  for (const { reason } of refused) {
    assert.ok(reason instanceof HubError && reason.code === 'conflict', String(reason))
    assert.match(reason.message, /^it is at version \d+, not \d+$/)
  }
  assert.equal(hub.rollouts.state.runs.get('r1')!.approvals.length, 1)
})

test('a failed rollout rolls back, is held, and new content releases the hold', async () => {
  await using dir = await createTempDir('hold')
  const clusters = createClusters()
  clusters.bad.add('a')
  await using hub = await openHub(dir, `adv-${(fleets += 1)}`, clusters)
  const bad: RolloutPlan = { ...plan(waves), onFailure: 'rollback' }
  await hub.rollouts.create(bad, { start: true })
  assert.equal((await ended(hub, 'r1')).phase, 'RolledBack')
  assert.notEqual(clusters.running.get('a')?.digest, good.digest)
  assert.equal(clusters.running.has('b'), false, 'wave two was never touched')
  assert.equal(hub.rollouts.state.holds.get('shop')?.rollout, 'r1')
  const isHeld = (error: unknown) =>
    error instanceof HubError && error.code === 'conflict' && /on hold/.test(error.message)
  await assert.rejects(hub.rollouts.create({ ...bad, id: 'r2' }, { start: true }), isHeld)
  const late = { ...bad, id: 'r3', contentDigest: digestOf('more'), targets: { e: target(null) } }
  await assert.rejects(
    hub.rollouts.create({ ...late, waves: [wave('all', ['e'])] }, { start: true }),
    isHeld,
    'a cluster that joins does not bring the bad content back',
  )
  const mended = { ...good, digest: digestOf('mended') }
  const names = ['a', 'b', 'c', 'd']
  const fixed: RolloutPlan = {
    ...bad,
    id: 'r4',
    contentDigest: digestOf('mended'),
    targets: Object.fromEntries(names.map((name) => [name, target(null, mended)])),
  }
  await hub.rollouts.create(fixed, { start: true })
  assert.equal((await ended(hub, 'r4')).phase, 'Succeeded')
  assert.equal(hub.rollouts.state.holds.has('shop'), false)
})

test('one rollout at a time: a newer one replaces, or waits its turn', async () => {
  await using dir = await createTempDir('one')
  const clusters = createClusters()
  clusters.held.add('a')
  await using hub = await openHub(dir, `adv-${(fleets += 1)}`, clusters)
  const other = (id: string, rest: Partial<RolloutPlan> = {}): RolloutPlan => {
    const content = { ...good, digest: digestOf(id) }
    const made = plan(waves)
    const targets = Object.fromEntries(
      Object.keys(made.targets).map((name) => [name, target(null, content)]),
    )
    return { ...made, id, contentDigest: digestOf(id), targets, ...rest }
  }
  await hub.rollouts.create(other('r1'), { start: true })
  const same = await hub.rollouts.create(other('r1', { id: 'r1b' }), { start: true })
  assert.equal(same.plan.id, 'r1', 'the same content again is the rollout in hand')
  await hub.rollouts.create(other('r2'), { start: true })
  assert.equal(hub.rollouts.state.runs.get('r1')?.phase, 'Superseded')
  await hub.rollouts.create(other('r3', { supersede: 'queue' }), { start: true })
  assert.equal(hub.rollouts.state.runs.get('r3')?.phase, 'Planned')
  await hub.rollouts.create(other('r4'), { start: false })
  assert.equal(hub.rollouts.state.runs.get('r2')?.phase, 'Progressing', 'a plan replaces nothing')
  assert.equal(hub.rollouts.state.runs.get('r3')?.phase, 'Superseded')
  await hub.rollouts.create(other('r5', { supersede: 'queue' }), { start: true })
  clusters.held.clear()
  assert.equal((await ended(hub, 'r2')).phase, 'Succeeded')
  assert.equal((await ended(hub, 'r5')).phase, 'Succeeded')
  assert.equal(clusters.running.get('d')?.digest, digestOf('r5'))
  await assert.rejects(
    hub.rollouts.act('r2', { kind: 'rollback' }, 'alice', ''),
    /r5 came after this one/,
  )
  await hub.rollouts.act('r5', { kind: 'rollback' }, 'alice', 'no good')
  assert.equal((await ended(hub, 'r5')).phase, 'RolledBack')
})
