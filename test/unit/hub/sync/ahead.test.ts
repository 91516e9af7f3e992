import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import fc from 'fast-check'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Assignment } from '../../../../hub/rollout/rollout.ts'
import { unknownCluster } from '../../../../hub/status/fold.ts'
import type { ApplicationStatus, ClusterStatus } from '../../../../hub/status/status.ts'
import { type Wish, bringsNews, createRestraint } from '../../../../hub/sync/ahead.ts'

const [one, two, three] = ['one', 'two', 'three'].map((text) => digestOf(text))
const connectedAt = 100

function assignment(application: string, digest: Digest | null, generation = 5): Assignment {
  return {
    ...{ cluster: 'a', application, digest, size: 1, revision: 'main@sha1:1' },
    ...{ generation, rollout: 'r1' },
  }
}

function world() {
  const wishes = new Map<string, Wish>()
  const said: (string | null)[] = []
  let status: ClusterStatus = {
    ...unknownCluster('a'),
    connection: { state: 'Connected', since: connectedAt, replica: '1' },
  }
  const restraint = createRestraint({
    status: () => status,
    wish: (application) => wishes.get(application),
    onRestrained: (_, message) => void said.push(message),
  })
  return {
    wishes,
    said,
    restraint,
    restrain: (...assigned: Assignment[]) => restraint.restrain('a', assigned),
    reports(runs: Readonly<Record<string, Digest | null>>, updatedAt = connectedAt): void {
      const applications = Object.fromEntries(
        Object.entries(runs).map(([application, digest]) => [
          application,
          { application, digest, updatedAt } as ApplicationStatus,
        ]),
      )
      status = { ...status, applications }
    },
    runs(generations: Readonly<Record<string, number>>): void {
      const applications = Object.fromEntries(
        Object.entries(generations).map(([application, generation]) => [
          application,
          { application, digest: two!, generation, updatedAt: connectedAt } as ApplicationStatus,
        ]),
      )
      status = { ...status, applications }
    },
    fault: (ledgerFault: NonNullable<ClusterStatus['ledgerFault']> | null) =>
      (status = { ...status, ledgerFault }),
  }
}

test('assignments bring news to an agent that has said what it runs, and runs other', () => {
  const connection = { state: 'Connected', since: connectedAt, replica: '1' } as const
  const at = (digest: Digest | null, updatedAt = connectedAt): ClusterStatus => ({
    ...{ ...unknownCluster('a'), connection },
    applications: { web: { application: 'web', digest, updatedAt } as ApplicationStatus },
  })
  const assigned = [assignment('web', two!)]
  assert.equal(bringsNews(at(one!), assigned), true)
  assert.equal(bringsNews(at(two!), assigned), false)
  assert.equal(bringsNews(at(one!, connectedAt - 1), assigned), false, 'not said in this stream')
  assert.equal(bringsNews(at(one!), []), false)
})

describe('what an agent is offered that has come further than the hub', () => {
  it('is nothing before it has said what it runs, and Git was read', () => {
    const { restrain, restraint, reports } = world()
    assert.equal(restrain(assignment('web', one!)), 'wait')
    assert.ok(restraint.isWatched('a'))
    // Said in a stream before this one.
    reports({ web: two! }, connectedAt - 1)
    assert.equal(restrain(assignment('web', one!)), 'wait')
  })

  it('is told by the generations that it runs, once it has said them in this stream', () => {
    const { restraint, runs } = world()
    const beyond = (generation: number) =>
      restraint.runsBeyond('a', [assignment('web', one!, generation), assignment('shop', one!)])
    assert.equal(beyond(5), undefined)
    runs({ web: 7 })
    assert.equal(restraint.hear('a'), true)
    assert.deepEqual([beyond(5), beyond(7), beyond(8)], [true, false, false])
    assert.equal(restraint.hear('a'), false, 'nothing waits for it any more')
    restraint.greet('a')
    assert.equal(beyond(5), undefined)
  })

  it('is what it runs already', () => {
    const { restrain, restraint, said, reports } = world()
    const web = assignment('web', two!)
    reports({ web: two! })
    assert.deepEqual(restrain(web), [web])
    assert.deepEqual([restraint.list(), said], [[], []])
  })

  it('is what Git asks for now, once that was decided on', () => {
    const { restrain, wishes, reports } = world()
    reports({ web: two! })
    const back = assignment('web', one!)
    wishes.set('web', { digest: two, since: 9 })
    assert.equal(restrain(back), 'wait')
    wishes.set('web', { digest: one, since: 9 })
    assert.deepEqual(restrain(back), [back])
  })

  it('is what was decided since Git was read, and nothing that is older', () => {
    const { restrain, wishes, reports } = world()
    reports({ web: two! })
    wishes.set('web', { digest: three, since: 9 })
    assert.equal(restrain(assignment('web', one!, 9)), 'wait')
    const newer = assignment('web', one!, 10)
    assert.deepEqual(restrain(newer), [newer])
  })

  it('is no removal that Git has taken back, or cannot be asked about', () => {
    const { restrain, wishes, reports } = world()
    const gone = assignment('web', null)
    reports({ web: two! })
    assert.equal(restrain(gone), 'wait')
    wishes.set('web', { digest: two, since: 9 })
    assert.equal(restrain(gone), 'wait')
    wishes.set('web', { digest: undefined, since: 9 })
    assert.equal(restrain(gone), 'wait')
    wishes.set('web', { digest: null, since: 9 })
    assert.deepEqual(restrain(gone), [gone])
  })

  it('leaves an application alone, not those beside it, and says which', () => {
    const { restrain, restraint, wishes, reports, said } = world()
    reports({ web: two!, shop: one! })
    wishes.set('web', { digest: three, since: 9 })
    wishes.set('shop', { digest: three, since: 9 })
    const [web, shop] = [assignment('web', one!), assignment('shop', three!, 12)]
    assert.deepEqual(restrain(web, shop), [shop])
    assert.match(said.at(-1) ?? '', /^it has had more of web than this hub's ledger knows/)
    const again = assignment('web', three!, 14)
    assert.deepEqual(restrain(again, shop), [again, shop])
    assert.equal(said.at(-1), null)
    assert.ok(!restraint.isWatched('a'))
  })

  it('is asked about for as long as anything contradicts the ledger, over restarts too', () => {
    const { restraint, restrain, reports, fault, said } = world()
    assert.ok(!restraint.isSuspect('a'))
    restraint.suspect('a')
    assert.ok(restraint.isSuspect('a'))
    const after = world()
    after.fault({ code: 'ledger_behind', message: 'restored' })
    assert.ok(after.restraint.isSuspect('a'))
    after.reports({ web: one! })
    after.restrain(assignment('web', one!))
    assert.deepEqual(after.said, [null])
    reports({ web: one! })
    restrain(assignment('web', one!))
    assert.deepEqual([said, restraint.isSuspect('a')], [[null], false])
    fault(null)
  })

  it('never is what neither runs there, nor Git asks for, nor was decided with Git known', () => {
    const content = fc.constantFrom(one!, two!, three!, null)
    const names = ['web', 'shop', 'mesh']
    const application = fc.record({
      assigned: content,
      generation: fc.integer({ min: 1, max: 20 }),
      runs: fc.option(content, { nil: undefined }),
      wish: fc.option(
        fc.record({
          digest: fc.option(content, { nil: undefined }),
          since: fc.integer({ min: 1, max: 20 }),
        }),
        { nil: undefined },
      ),
    })
    fc.assert(
      fc.property(fc.tuple(application, application, application), (drawn) => {
        const { restrain, wishes, reports } = world()
        const runs = drawn.flatMap((one, at) =>
          one.runs === undefined ? [] : [[names[at]!, one.runs] as const],
        )
        if (runs.length > 0) reports(Object.fromEntries(runs))
        for (const [at, one] of drawn.entries()) if (one.wish) wishes.set(names[at]!, one.wish)
        const assigned = drawn.map((one, at) =>
          assignment(names[at]!, one.assigned, one.generation),
        )
        const offered = restrain(...assigned)
        if (offered === 'wait') return
        for (const { application: name, digest, generation } of offered) {
          const { runs: running, wish } = drawn[names.indexOf(name)]!
          const isKnown = wish && (wish.digest === digest || generation > wish.since)
          assert.ok(isKnown || (digest !== null && running === digest), name)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
