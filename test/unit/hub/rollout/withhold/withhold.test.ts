import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { findDependents, orderByDependencies } from '../../../../../hub/fleet/resolve/dependents.ts'
import type { Fleet } from '../../../../../hub/fleet/fleet.ts'
import { loadFleet } from '../../../../../hub/fleet/load/load.ts'
import { addRollout, putAssignment } from '../../../../../hub/ledger/by-application.ts'
import { emptyState, type LedgerState } from '../../../../../hub/ledger/replay.ts'
import { createRun } from '../../../../../hub/rollout/plan/plan.ts'
import type {
  ClusterProgress,
  RolloutPhase,
  RolloutTarget,
} from '../../../../../hub/rollout/rollout.ts'
import { createWithhold } from '../../../../../hub/rollout/withhold/withhold.ts'
import { old, plan, target, wave } from '../world.ts'

const api = 'apiVersion: groundswell.dev/v1alpha1'
const at = (text: string) => Date.parse(text)

function fleetOf(documents: readonly string[]): Fleet {
  const bytes = Buffer.from(documents.map((text) => `${api}\n${text}\n`).join('---\n'))
  return loadFleet(`main@sha1:${'f'.repeat(40)}`, [{ path: 'fleet.yaml', bytes }])
}

const cluster = (name: string, spec = '{}', labels = '{}') =>
  `kind: Cluster\nmetadata: { name: ${name}, labels: ${labels} }\nspec: ${spec}`
const application = (name: string, rest = '') =>
  `kind: Application\nmetadata: { name: ${name} }\nspec: { source: { path: ${name} }, targetNamespace: n, targets: [{ clusterSelector: {} }]${rest} }`
const project = (windows: string) =>
  `kind: Project\nmetadata: { name: default }\nspec: { sources: [{ repository: fleet }], destinations: [{ clusterSelector: {}, namespaces: ["*"] }], windows: ${windows} }`

const nights = '{ kind: allow, schedule: "0 22 * * *", duration: 8h, timeZone: Europe/Berlin }'
const freeze =
  '{ kind: deny, schedule: "0 0 20 12 *", duration: 336h, reason: nobody is here, applications: ["shop*"] }'

function ask(documents: readonly string[], state: LedgerState = emptyState()) {
  const fleet = fleetOf(documents)
  const withhold = createWithhold(
    () => fleet,
    state,
    () => [],
  )
  return (app: string, on: string, now: string) => {
    const told = withhold(app, on, at(now))
    return (
      told && `${told.reason} | ${told.until === null ? '-' : new Date(told.until).toISOString()}`
    )
  }
}

describe('windows', () => {
  test('of a project hold for its applications and clusters, and say when they open', () => {
    const picked = nights.replace(' }', ', clusterSelector: { matchLabels: { env: prod } } }')
    const told = ask([
      ...[cluster('a', '{}', '{ env: prod }'), cluster('b'), application('shop')],
      project(`[${picked}]`),
    ])
    assert.equal(
      told('shop', 'a', '2026-07-01T12:00:00Z'),
      'the window of Project default, which opens at 2026-07-01T20:00:00.000Z | 2026-07-01T20:00:00.000Z',
    )
    assert.equal(told('shop', 'a', '2026-07-01T20:00:00Z'), null)
    assert.equal(told('shop', 'b', '2026-07-01T12:00:00Z'), null)
  })

  test('a freeze beats what allows, and only for what it names', () => {
    const told = ask([
      ...[cluster('a'), application('shop'), application('till')],
      project(`[{ kind: allow, schedule: "0 0 * * *", duration: 24h }, ${freeze}]`),
    ])
    assert.equal(
      told('shop', 'a', '2026-12-24T18:00:00Z'),
      'the end of the freeze of Project default, which ends at 2027-01-03T00:00:00.000Z (nobody is here) | 2027-01-03T00:00:00.000Z',
    )
    assert.equal(told('till', 'a', '2026-12-24T18:00:00Z'), null)
    assert.equal(told('shop', 'a', '2027-01-03T00:00:00Z'), null)
  })

  test('of several freezes the one is told that lasts longest, and that one goes on is not its end', () => {
    const short = '{ kind: deny, schedule: "0 22 * * *", duration: 1h }'
    const long = '{ windows: [{ kind: deny, schedule: "0 22 * * *", duration: 9h }] }'
    const always = '{ windows: [{ kind: deny, schedule: "* * * * *", duration: 5m }] }'
    const told = ask([
      ...[cluster('a', long), cluster('b', always), application('shop')],
      project(`[${short}]`),
    ])
    const end = '2026-06-02T07:00:00.000Z'
    assert.equal(
      told('shop', 'a', '2026-06-01T22:30:00Z'),
      `the end of the freeze of Cluster a, which ends at ${end} | ${end}`,
    )
    assert.match(
      told('shop', 'b', '2026-06-01T12:30:00Z')!,
      /^the end of the freeze of Cluster b, which is not over at /,
    )
  })

  // Whoever deleted the Application had it removed everywhere in the middle of its Project's freeze.
  test('of a project hold for the removal of an application that left Git', () => {
    const fleet = [
      ...[cluster('a'), application('till')],
      project(`[{ kind: allow, schedule: "0 0 * * *", duration: 2h }, ${freeze}]`),
    ]
    const frozen = /freeze of Project default/
    const left = (within?: string) => {
      const state = emptyState()
      const gone = plan([wave('removals', ['a'])], within === undefined ? {} : { project: within })
      addRollout(state, gone, createRun(gone))
      return ask(fleet, state)
    }
    assert.match(left('default')('shop', 'a', '2026-12-24T18:00:00Z')!, frozen)
    assert.match(left('default')('shop', 'a', '2026-12-01T18:00:00Z')!, /which opens at/)
    assert.equal(left('default')('shop', 'a', '2026-12-01T01:00:00Z'), null)
    assert.equal(left('other')('shop', 'a', '2026-12-24T18:00:00Z'), null)
    // Planned before it was kept: what freezes any Project may freeze it.
    assert.match(left()('shop', 'a', '2026-12-24T18:00:00Z')!, frozen)
    assert.equal(left()('shop', 'a', '2026-12-01T18:00:00Z'), null)
  })

  test('of a project, a cluster and its groups all have to be open', () => {
    const mornings = '{ kind: allow, schedule: "0 6 * * *", duration: 4h }'
    const told = ask([
      cluster('a', `{ windows: [${mornings}] }`, '{ env: prod }'),
      ...[cluster('b'), application('shop')],
      'kind: ClusterGroup\nmetadata: { name: prod }\nspec: { selector: { matchLabels: { env: prod } }, windows: [{ kind: deny, schedule: "0 7 * * *", duration: 1h }] }',
      project('[{ kind: allow, schedule: "0 5 * * *", duration: 8h }]'),
    ])
    const open = (on: string, hour: string) =>
      told('shop', on, `2026-06-01T${hour}:30:00Z`) === null
    assert.deepEqual(
      ['04', '05', '06', '07', '08', '09', '10', '13'].filter((hour) => open('a', hour)),
      ['06', '08', '09'],
    )
    assert.deepEqual(
      ['04', '05', '10', '12', '13'].filter((hour) => open('b', hour)),
      ['05', '10', '12'],
    )
    assert.match(
      told('shop', 'a', '2026-06-01T05:30:00Z')!,
      /Cluster a, which opens at 2026-06-01T06/,
    )
    assert.match(told('shop', 'a', '2026-06-01T07:30:00Z')!, /freeze of ClusterGroup prod/)
  })

  test('nothing begins before the fleet was read, since nobody knows what is frozen', () => {
    const withhold = createWithhold(
      () => null,
      emptyState(),
      () => [],
    )
    assert.match(withhold('shop', 'a', 0)!.reason, /not read yet/)
  })

  test('a fleet that is read anew holds at once', () => {
    let fleet = fleetOf([cluster('a'), application('shop')])
    const withhold = createWithhold(
      () => fleet,
      emptyState(),
      () => [],
    )
    assert.equal(withhold('shop', 'a', at('2026-12-24T18:00:00Z')), null)
    fleet = fleetOf([cluster('a'), application('shop'), project(`[${freeze}]`)])
    assert.notEqual(withhold('shop', 'a', at('2026-12-24T18:00:00Z')), null)
  })
})

describe('an application that depends on another', () => {
  const documents = [
    ...[cluster('a'), cluster('b'), application('db')],
    application('shop', ', dependsOn: [{ name: db }]'),
  ]
  /** One rollout of `db` for each progress, oldest first; where it was offered it is assigned. */
  function history(...rollouts: readonly (readonly [RolloutPhase, ClusterProgress])[]) {
    return historyOf({}, rollouts)
  }
  /** The same, with what one of them brought on hold. */
  function held(
    rollout: string,
    ...rollouts: readonly (readonly [RolloutPhase, ClusterProgress])[]
  ) {
    const state = emptyState()
    const hold = { application: 'db', contentDigest: digestOf('db'), revision: 'x', rollout }
    state.holds.set('db', { ...hold, at: 0, reason: '' })
    return historyOf({}, rollouts, state)
  }
  function historyOf(
    rest: Partial<RolloutTarget>,
    rollouts: readonly (readonly [RolloutPhase, ClusterProgress])[],
    state = emptyState(),
  ) {
    const runs = { digest: digestOf('shop'), size: 1, revision: 'x', rollout: 'before' }
    putAssignment(state, { ...runs, cluster: 'a', application: 'shop', generation: 0 })
    rollouts.forEach(([phase, progress], index) => {
      const id = `r${index}`
      const targets = { a: { ...target(), ...rest } }
      const made = plan([wave('all', ['a'])], { id, application: 'db', targets })
      addRollout(state, made, { ...createRun(made), phase, clusters: { a: progress } })
      if (progress.state === 'Pending') return
      const content = { digest: digestOf('db'), size: 1, revision: 'x', rollout: id }
      const assigned = { cluster: 'a', application: 'db', generation: index + 1 }
      putAssignment(state, { ...content, ...assigned })
    })
    state.head = rollouts.length
    return ask(documents, state)('shop', 'a', '2026-01-01')
  }
  /** What Git asks of `db` on the cluster → why `shop` may not come there. */
  function asking(state: LedgerState) {
    return (digest: Digest | null | undefined) =>
      createWithhold(
        () => fleetOf(documents),
        state,
        () => [],
        () => digest,
      )('shop', 'a', 0)
  }
  const done = (outcome: Extract<ClusterProgress, { state: 'Done' }>['outcome']) =>
    ({ state: 'Done', outcome, generation: 1, at: 0, message: '' }) as const

  test('waits until the other is there, and well', () => {
    assert.match(history()!, /application db, which is not there yet/)
    assert.match(history(['Progressing', { state: 'Pending' }])!, /rollout r0 has still to bring/)
    const offered = { state: 'Offered', generation: 1, offeredAt: 0 } as const
    assert.match(history(['Progressing', offered])!, /has still to bring/)
    assert.match(history(['Paused', done('Failed')])!, /failed there in rollout r0/)
    assert.match(history(['Failed', done('TimedOut')])!, /timed out there/)
    assert.equal(history(['Progressing', done('Succeeded')]), null)
  })

  test('does not wait for one that is to get objects of it: that can only come after it, or with it', () => {
    const from = { shop: digestOf('shop') }
    assert.equal(historyOf({ from }, [['Progressing', { state: 'Pending' }]]), null)
    assert.notEqual(
      historyOf({ from: { x: from.shop } }, [['Progressing', { state: 'Pending' }]]),
      null,
    )
  })

  test('waits for one that has got objects of it: they are let go, and it may have failed since', () => {
    const from = { shop: digestOf('shop before') }
    assert.match(historyOf({ from }, [['Failed', done('Failed')]])!, /failed there in rollout r0/)
    assert.match(historyOf({ from }, [['Progressing', { state: 'Pending' }]])!, /still to bring/)
  })

  test('does not wait for one that waits, over others, for objects of it', () => {
    const state = emptyState()
    const content = { digest: digestOf('shop'), size: 1, revision: 'x', rollout: 'before' }
    putAssignment(state, { ...content, cluster: 'a', application: 'shop', generation: 0 })
    const add = (name: string, rest: Partial<RolloutTarget>) => {
      const targets = { a: { ...target(), ...rest } }
      const made = plan([wave('all', ['a'])], { id: name, application: name, targets })
      addRollout(state, made, { ...createRun(made), phase: 'Progressing' })
    }
    const all = [...documents.slice(0, 2), application('cache'), documents[3]!]
    const told = ask([...all, application('db', ', dependsOn: [{ name: cache }]')], state)
    add('db', {})
    add('cache', {})
    assert.match(told('shop', 'a', '2026-01-01')!, /rollout db has still to bring there/)
    add('cache', { from: { shop: content.digest } })
    assert.equal(told('shop', 'a', '2026-01-01'), null)
    assert.notEqual(told('db', 'a', '2026-01-01'), null)
  })

  test('waits for the newest of the other, planned too, and not for what took its place', () => {
    const first = ['Succeeded', done('Succeeded')] as const
    assert.match(history(first, ['Planned', { state: 'Pending' }])!, /rollout r1/)
    assert.equal(history(first, ['Superseded', { state: 'Pending' }]), null)
    assert.equal(history(first, ['Aborted', { ...done('Skipped'), generation: 0 }]), null)
    const back = { state: 'Reverted', generation: 2, at: 0, outcome: 'Failed' } as const
    assert.equal(history(first, ['RolledBack', back]), null)
  })

  test('waits for one that was rolled back, also where it had not come yet, as long as Git asks for that', () => {
    const first = ['Succeeded', done('Succeeded')] as const
    const back = { state: 'Reverted', generation: 2, at: 0, outcome: null } as const
    for (const progress of [back, { state: 'Pending' }, done('Skipped')] as const) {
      const rolledBack = ['RolledBack', progress] as const
      assert.match(held('r1', first, rolledBack)!, /db, of which rollout r1 was rolled back/)
      assert.equal(history(first, rolledBack), null)
      assert.equal(held('r1', first, rolledBack, first), null, 'and went on to something newer')
    }
  })

  test('waits for what was rolled back before another rollback, where Git asks for that there still', () => {
    const state = emptyState()
    const content = { ...target(null, old), cluster: 'a', application: 'db', generation: 1 }
    putAssignment(state, { ...content, rollout: 'r0' })
    const made = plan([wave('all', ['a'])], { id: 'r1', application: 'db' })
    const back = { state: 'Reverted', generation: 2, at: 0, outcome: null } as const
    addRollout(state, made, { ...createRun(made), phase: 'RolledBack', clusters: { a: back } })
    const hold = { application: 'db', contentDigest: digestOf('db'), revision: 'x', rollout: 'r2' }
    state.holds.set('db', { ...hold, earlier: ['r1'], at: 0, reason: '' })
    const askWith = asking(state)
    assert.match(askWith(made.targets['a']!.digest)!.reason, /rollout r1 was rolled back/)
    assert.equal(askWith(old.digest), null)
  })

  // It went to clusters that were left without what came with it, where somebody had aborted that.
  test('waits for one that was aborted before it had come there, as long as Git asks for that', () => {
    const state = emptyState()
    const content = { ...target(null, old), cluster: 'a', application: 'db', generation: 1 }
    putAssignment(state, { ...content, rollout: 'r0' })
    const made = plan([wave('all', ['a'])], { id: 'r1', application: 'db' })
    const wanted = made.targets['a']!.digest
    const end = (at: number, generation: number) => {
      const clusters = { a: { ...done('Skipped'), at, generation } }
      addRollout(state, made, { ...createRun(made), phase: 'Aborted', finishedAt: 5, clusters })
      return asking(state)
    }
    for (const generation of [0, 2]) {
      const told = end(5, generation)
      assert.match(told(wanted)!.reason, /db, of which rollout r1 was aborted: Git still asks/)
      assert.match(told(undefined)!.reason, /r1 was aborted/, 'nobody knows')
      assert.equal(told(old.digest), null, 'reverted')
    }
    assert.equal(end(4, 0)(wanted), null, 'somebody passed it over before')
    putAssignment(state, { ...content, digest: wanted, rollout: 'r1' })
    assert.equal(end(5, 2)(wanted), null, 'it is there')
    putAssignment(state, { ...content, rollout: 'r0' })
    const gone = { ...made, targets: { a: target(old, { ...old, digest: null, size: 0 }) } }
    addRollout(state, gone, {
      ...createRun(gone),
      ...{ phase: 'Aborted', finishedAt: 5, clusters: { a: { ...done('Skipped'), at: 5 } } },
    })
    assert.equal(asking(state)(null), null, 'a removal that was aborted leaves it there')
  })

  // It waited for ever for what Git had taken back, and what ran there was never asked about.
  test('waits no more for what failed without having come there, once Git asks for something else', () => {
    const state = emptyState()
    const content = {
      ...target(null),
      cluster: 'a',
      application: 'db',
      generation: 1,
      rollout: 'r0',
    }
    putAssignment(state, content)
    const away = { ...done('Failed'), generation: 0 }
    const made = plan([wave('all', ['a'])], { id: 'r1', application: 'db' })
    for (const phase of ['Superseded', 'RolledBack', 'Aborted'] as const) {
      addRollout(state, made, { ...createRun(made), phase, clusters: { a: away } })
      const askWith = asking(state)
      assert.equal(askWith(digestOf('what runs')), null)
      assert.match(askWith(made.targets['a']!.digest)!.reason, /failed there in rollout r1/)
      assert.match(askWith(undefined)!.reason, /failed there/, 'nobody knows')
    }
  })

  test('goes on where the other does not go', () => {
    const only = application('db').replace('clusterSelector: {}', 'clusters: [b]')
    const told = ask([...documents.slice(0, 2), only, documents[3]!])
    assert.equal(told('shop', 'a', '2026-01-01'), null)
    assert.notEqual(told('shop', 'b', '2026-01-01'), null)
  })

  test('is removed from a cluster whatever became of the other there', () => {
    const state = emptyState()
    const nothing = { digest: null, size: 0, revision: 'x' }
    const add = (id: string, mine: RolloutTarget) => {
      const made = plan([wave('all', ['a'])], { id, targets: { a: mine } })
      addRollout(state, made, createRun(made))
    }
    const told = ask(documents, state)
    add('r1', target(old, nothing))
    assert.equal(told('shop', 'a', '2026-01-01'), null)
    add('r2', target())
    assert.notEqual(told('shop', 'a', '2026-01-01'), null, 'and something else is to come, too')
  })

  test('is planned after it, and looked at when it moves', () => {
    const fleet = fleetOf([
      ...[cluster('a'), application('a-last', ', dependsOn: [{ name: shop }, { name: db }]')],
      ...[application('db'), application('shop', ', dependsOn: [{ name: db }]'), application('x')],
    ])
    assert.deepEqual(orderByDependencies(fleet, fleet.applications.keys()), [
      ...['db', 'shop', 'a-last', 'x'],
    ])
    assert.deepEqual(orderByDependencies(fleet, ['a-last', 'shop']), ['shop', 'a-last'])
    assert.deepEqual(findDependents(fleet).get('db'), ['a-last', 'shop'])
  })
})
