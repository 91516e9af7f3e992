import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import { listCulprits } from '../../../../hub/forge/culprit.ts'
import { emptyState } from '../../../../hub/ledger/replay.ts'
import { plan, target, wave } from '../rollout/world.ts'

const [good, bad, fleetBefore, fleetNow] = ['1', '2', 'a', 'b'].map((one) => one.repeat(40))
const revisionOf = (commit: string) => `main@sha1:${commit}`
const contentOf = (commit: string) => ({
  ...{ digest: digestOf(commit), size: 1, revision: revisionOf(commit) },
})

/** An application of which one rollout went well and the next was rolled back. */
function proposal(
  source: string,
  before: string,
  fleets: readonly [string, string] = [fleetNow!, fleetNow!],
  branch?: string,
) {
  const state = emptyState()
  const waves = [wave('all', ['a', 'b'])]
  const targets = (commit: string, previous: string | null) => {
    const one = target(previous === null ? null : contentOf(previous), contentOf(commit))
    return { a: one, b: one }
  }
  const first = plan(waves, { id: 'r1', targets: targets(before, null) })
  const second = plan(waves, { id: 'r2', targets: targets(bad!, before), revert: true })
  state.plans.set('r1', { ...first, fleetRevision: revisionOf(fleets[0]) })
  state.plans.set('r2', {
    ...{ ...second, revision: revisionOf(bad!), fleetRevision: revisionOf(fleets[1]) },
  })
  const { contentDigest, application } = second
  state.holds.set('shop', {
    ...{ application, contentDigest, revision: revisionOf(bad!), rollout: 'r2', at: 0 },
    reason: 'too many errors',
  })
  const [found] = listCulprits(
    state,
    () => source,
    (name) => (name === source ? branch : undefined),
  )
  return found!
}

describe('what is proposed to Git after a rollback', () => {
  test('undoes the commit that was rolled out, and says what else came since', () => {
    const { repository, request } = proposal('apps', good!)
    assert.deepEqual([repository, request.commit], ['apps', bad])
    assert.match(request.body, new RegExp(`It undoes ${bad} alone`))
    assert.match(request.body, new RegExp(`git revert ${good}\\.\\.${bad}`))
    assert.ok(!request.body.includes('fleet repository moved'))
  })

  test('says that the fleet repository moved beside it', () => {
    const { request } = proposal('apps', good!, [fleetBefore!, fleetNow!])
    assert.match(
      request.body,
      new RegExp(`moved as well, from .main@sha1:${fleetBefore}. to .main@sha1:${fleetNow}`),
    )
  })

  test('is of the fleet repository where the application had that commit before', () => {
    const { repository, request } = proposal('apps', bad!, [fleetBefore!, fleetNow!])
    assert.deepEqual([repository, request.commit], ['fleet', fleetNow])
    assert.match(request.body, new RegExp(`git revert ${fleetBefore}\\.\\.${fleetNow}`))
  })

  test('goes into the branch that is followed; of a tag, into the one the host has by default', () => {
    const none = [fleetNow!, fleetNow!] as const
    assert.equal(proposal('apps', good!, none, 'stable').request.base, 'stable')
    // The revisions say `main`, as they would say `v1.2.0` of a tag: neither tells what it is.
    assert.equal(proposal('apps', good!, none).request.base, undefined)
  })
})
