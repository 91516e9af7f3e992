import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { parseJoinToken, secretKey } from '@groundswell/proto/enrol.ts'
import { createHub, type HubDeps } from '../../../hub/hub.ts'
import { HubError } from '../../../hub/errors.ts'
import { addRollout } from '../../../hub/ledger/by-application.ts'
import type { Decision } from '../../../hub/ledger/entry.ts'
import { createRun } from '../../../hub/rollout/plan/plan.ts'
import { createTargets } from '../../../hub/status/targets.ts'
import { createMemoryContent } from '../../support/memory-stores.ts'
import { plan, wave } from './rollout/world.ts'
import { createTokenKeys } from '../../../hub/sync/token-key.ts'
import { assignment, enrol, fleet, knownOf } from './status/known-world.ts'

const tokenKeys = createTokenKeys(Buffer.from('of the hubs'), (bytes) => Buffer.alloc(bytes, 7))
const ada = { actor: 'ada', role: 'operator' } as never

/** A hub over a fleet in memory; what is done to the rest is written down. */
function world(rest: Partial<HubDeps> = {}) {
  const known = knownOf([assignment('a', 'shop')], [])
  const { state } = known
  const decisions: Decision[] = []
  const done: string[] = []
  let seed = 0
  const hub = createHub({
    known: () => known,
    targets: createTargets(
      () => known,
      () => null,
    ),
    pipeline: {
      state: () => ({ fleet, refused: null, faults: [], contents: null }),
      async rebuild(cluster: string) {
        done.push(`rebuild ${cluster}`)
      },
    },
    renderer: { list: async () => [] },
    register: {
      state,
      async append(actor: string, made: readonly Decision[]) {
        decisions.push(...made)
        done.push(`append ${actor}`)
        return []
      },
    },
    rollouts: {
      async get(id: string) {
        const [plan, run] = [state.plans.get(id), state.runs.get(id)]
        return plan && run && { plan, run }
      },
      waitingFor: async () => ['a person'],
      async act(
        id: string,
        { kind }: { kind: string },
        _actor: string,
        _reason: string,
        version?: number,
      ) {
        if (version !== undefined && version !== state.runs.get(id)?.version) {
          throw new HubError('conflict', 'it has moved')
        }
        done.push(`${kind} ${id}`)
      },
    },
    deciding: { active: () => [...state.plans.keys()] },
    content: createMemoryContent(),
    enrolAddress: () => 'hub:8443',
    authorities: () => [
      { number: 2, pin: digestOf('ca'), from: 2, to: 9 },
      { number: 3, pin: digestOf('next'), from: 5, to: 12 },
      { number: 1, pin: digestOf('before'), from: 0, to: 7 },
    ],
    rootDigest: digestOf('root'),
    closeKey: tokenKeys.close,
    warnings: async () => [],
    checks: async () => [
      { name: 'redis', ok: true },
      { name: 'git', ok: false },
    ],
    clock: () => 1_000_000,
    random: (bytes: number) => Buffer.alloc(bytes, (seed += 1)),
    ...rest,
  } as unknown as HubDeps)
  return {
    hub,
    state,
    decisions,
    done,
    addRollout(id: string, application = 'shop') {
      const made = plan([wave('one', ['a'])], { id, application })
      addRollout(state, made, createRun(made))
    },
  }
}

async function collect<T>(listing: Iterable<T> | AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of listing) all.push(item)
  return all
}

describe('join tokens', () => {
  test('I10 what is written down of one is not what joins: neither the secret nor the key of its proof', async () => {
    const { hub, decisions } = world()
    const made = await hub.createToken('a', { ttl: 60_000 }, ada)
    const { tokenId, secret, caPin, rootDigest } = parseJoinToken(made.token)
    assert.deepEqual([caPin, rootDigest], [digestOf('ca'), digestOf('root')])
    const proving = secretKey(secret)
    const key = tokenKeys.close(tokenId, proving)
    assert.deepEqual(decisions, [
      { type: 'token.created', token: { tokenId, cluster: 'a', key, expiresAt: 1_060_000 } },
    ])
    const written = JSON.stringify(decisions)
    for (const form of ['hex', 'base64', 'base64url'] as const) {
      assert.ok(!written.includes(proving.toString(form)))
    }
    assert.ok(!written.includes(secret))
    assert.equal(made.address, 'hub:8443')
  })

  test('each is another, and lives as long as was asked', async () => {
    const { hub } = world()
    const tokens = await Promise.all([1, 2].map(() => hub.createToken('a', { ttl: 60_000 }, ada)))
    assert.notEqual(tokens[0]?.token, tokens[1]?.token)
    assert.equal(Date.parse(tokens[0]!.expiresAt), 1_060_000)
  })

  test('are made only for clusters that Git declares', async () => {
    const { hub, decisions } = world()
    await assert.rejects(hub.createToken('nobody', { ttl: 60_000 }, ada), { code: 'not_found' })
    assert.deepEqual(decisions, [])
  })
})

test('pull requests are those into the branch that is followed; others are counted', async () => {
  const change = { title: 'x', author: 'ada', branch: 'b', fork: false, draft: false }
  const at = { updatedAt: Date.UTC(2026, 0, 1), url: 'https://git.example/1' }
  const changes = ['main', 'release', 'main'].map((base, number) => ({
    ...{ ...change, ...at, base, number: number + 1 },
  }))
  const list = async () => ({ changes, more: true })
  const { hub } = world({ proposed: { host: 'gitea', branch: 'main', list } })
  const updatedAt = '2026-01-01T00:00:00.000Z'
  assert.deepEqual(await hub.pullRequests(), {
    ...{ host: 'gitea', elsewhere: 1, more: true },
    items: [1, 3].map((number) => ({ ...change, ...at, base: 'main', number, updatedAt })),
  })
  const nowhere = await world().hub.pullRequests()
  assert.deepEqual(nowhere, { host: null, items: [], elsewhere: 0, more: false })
})

test('a revocation is written down; what it ends reads it there', async () => {
  const { hub, state, decisions } = world()
  await assert.rejects(hub.revokeCluster('a', ada, 'stolen'), { code: 'not_found' })
  enrol(state, 'a')
  await hub.revokeCluster('a', ada, 'stolen')
  assert.deepEqual(decisions, [{ type: 'cluster.revoked', cluster: 'a', reason: 'stolen' }])
})

test('clusters are listed by name, and on from a name', async () => {
  const { hub } = world()
  const order = { by: 'name', descending: false } as const
  const names = async (name: string | null) => {
    const after = name === null ? null : { key: name, name }
    return (await collect(hub.clusters({ order, after }))).map(({ place }) => place.name)
  }
  assert.deepEqual(await names(null), ['a', 'b', 'c'])
  assert.deepEqual(await names('a'), ['b', 'c'])
  assert.deepEqual(await names('aa'), ['b', 'c'])
  assert.deepEqual(await names('z'), [])
  assert.equal(await hub.cluster('nobody'), undefined)
})

test('rollouts are listed newest first, and on from one', async () => {
  const { hub, addRollout } = world()
  for (const id of ['r1', 'r2', 'r3']) addRollout(id, id === 'r2' ? 'web' : 'shop')
  const ids = async (query: { application?: string; after?: string }) => {
    const all = { application: null, active: null, after: null, ...query }
    return (await collect(hub.rollouts(all))).map(({ run }) => run.id)
  }
  assert.deepEqual(await ids({}), ['r3', 'r2', 'r1'])
  assert.deepEqual(await ids({ application: 'shop' }), ['r3', 'r1'])
  assert.deepEqual(await ids({ after: 'r3' }), ['r2', 'r1'])
})

test('an action on a rollout that moved on meanwhile is refused', async () => {
  const { hub, done, addRollout } = world()
  addRollout('r1')
  const pause = { kind: 'pause' } as const
  await assert.rejects(hub.actOnRollout('r1', pause, ada, '', 7), { code: 'conflict' })
  await assert.rejects(hub.actOnRollout('r9', pause, ada, '', 1), { code: 'not_found' })
  assert.deepEqual(done, [])
  const { waitingFor } = await hub.actOnRollout('r1', pause, ada, '', 1)
  assert.deepEqual(waitingFor, ['a person'])
  assert.deepEqual(done, ['pause r1'])
})

test('who approves is told by all that they are called, and by who made their token', async () => {
  const acted: unknown[] = []
  const gate = { kind: 'approval', role: 'operator', notAuthor: true } as const
  const made = plan([wave('one', ['a'], { before: [gate] })], { id: 'r1' })
  const run = { ...createRun(made), phase: 'Progressing', startedAt: 1 } as const
  const { hub, state } = world({
    rollouts: {
      get: async () => ({ plan: made, run }),
      act: async (_: string, action: unknown) => void acted.push(action),
      waitingFor: async () => [],
    } as never,
  })
  addRollout(state, made, run)
  const known = { names: ['ada@b.c'], madeBy: 'oidc:ada' }
  const by = { actor: 'token:ci', role: 'operator', ...known } as const
  await hub.actOnRollout('r1', { kind: 'approve' }, by, '')
  const at = { wave: 0, gate: 'before' }
  await hub.actOnRollout('r1', { kind: 'start' }, by, '')
  assert.deepEqual(acted, [
    { kind: 'approve', roles: ['operator'], at, ...known },
    { kind: 'start', madeBy: known.madeBy },
  ])
})

test('starting takes the rollout that waits to be started', async () => {
  const { hub, done, addRollout } = world()
  addRollout('r1')
  await hub.startRollout('shop', ada, '')
  assert.deepEqual(done, ['start r1'])
})

test('a manifest that was lost is rebuilt, and told missing when it cannot be', async () => {
  const { hub, done } = world()
  await assert.rejects(hub.manifest('a', 'shop'), { code: 'content_missing' })
  assert.deepEqual(done, ['rebuild a'])
  assert.equal(await hub.manifest('a', 'nothing'), undefined)
})

test('an unknown application is refused', () => {
  assert.throws(() => world().hub.diff('nobody'), { code: 'not_found' })
})

test('is ready only when every check is well', async () => {
  const { ready, checks } = await world().hub.health()
  assert.deepEqual([ready, checks.length], [false, 2])
  const well = await world({ checks: async () => [{ name: 'redis', ok: true }] }).hub.health()
  assert.equal(well.ready, true)
})

describe('before the fleet repository was read', () => {
  const unread = () => {
    const known = { ...knownOf([], []), fleet: null }
    const read = { fleet: null, refused: null, faults: [], contents: null }
    return world({
      known: () => known,
      targets: createTargets(
        () => known,
        () => null,
      ),
      pipeline: { state: () => read } as never,
    }).hub
  }
  const order = { by: 'name', descending: false } as const

  const asked: Readonly<Record<string, (hub: ReturnType<typeof unread>) => unknown>> = {
    'a cluster': (hub) => hub.cluster('a'),
    'all clusters': (hub) => collect(hub.clusters({ order, after: null })),
    'clusters by label': (hub) => hub.clusters({ order, after: null, keep: () => true }),
    'a group': (hub) => hub.group('all'),
    'all groups': (hub) => hub.groups(null),
    'an application': (hub) => hub.application('shop'),
    'all applications': (hub) => collect(hub.applications(null)),
    'images of one': (hub) => hub.images('shop'),
    'a diff': (hub) => hub.diff('shop'),
    'a plan': (hub) => hub.planRollout('shop', { live: false }),
    'a start': (hub) => hub.startRollout('shop', ada, ''),
    'a join token': (hub) => hub.createToken('a', { ttl: 60_000 }, ada),
    windows: (hub) => hub.windows(0),
    policies: (hub) => hub.policies(),
  }
  for (const [what, ask] of Object.entries(asked)) {
    test(`${what} is not ready, rather than missing or empty`, async () => {
      await assert.rejects(async () => ask(unread()), { code: 'not_ready' })
    })
  }

  test('what the ledger tells of is shown', async () => {
    const known = { ...knownOf([assignment('a', 'shop')], []), fleet: null }
    const { hub, addRollout } = world({ known: () => known })
    addRollout('r1')
    assert.equal((await hub.rollout('r1'))?.plan.application, 'shop')
    enrol(known.state, 'a')
    const listed = await collect(hub.clusters({ order, after: null }))
    assert.deepEqual(
      listed.map(({ cluster }) => cluster.name),
      ['a'],
    )
  })
})
