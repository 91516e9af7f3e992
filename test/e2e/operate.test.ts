import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { clusterOf, type SettledFleet, startSettledFleet } from '../support/settled-fleet.ts'
import { until } from '../support/until.ts'

const approval = '      before:\n        - approval: {}\n'
const extraPath = '/api/v1/namespaces/web/configmaps/extra'

describe('people at the wheel of a rollout, with swell, over three API servers', () => {
  let fleet: SettledFleet

  before(async () => {
    fleet = await startSettledFleet()
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
  })

  after(async () => {
    await fleet?.[Symbol.asyncDispose]()
  })

  /** The canary has the text and soaks, or is done; production does not. */
  async function untilCanarySays(text: string): Promise<string> {
    await fleet.textsBecome({ a: text })
    const { id } = await fleet.rolloutWhen('the canary to be in hand', () => true)
    return id
  }

  /** A ConfigMap on b that no apply can change, where the commit brings one of that name. */
  async function blockCluster(name: string): Promise<void> {
    await kubeCall(fleet.planes.get(name)!, 'POST', '/api/v1/namespaces/web/configmaps', {
      metadata: { name: 'extra' },
      immutable: true,
      data: { text: 'by hand' },
    })
  }

  async function unblockCluster(name: string): Promise<void> {
    await kubeRequest(fleet.planes.get(name)!, 'DELETE', extraPath)
  }

  it('a gate holds production until a person approves, and says so', async () => {
    const text = await fleet.settle()
    await fleet.say('gated', strategyFile('1s', approval.replace('{}', '{ notAuthor: true }')))
    const waiting = await fleet.rolloutWhen('the gate to hold', ({ message }) =>
      /production.*waits for approval/.test(message),
    )
    assert.match(waiting.waitingFor.join(), /approval/)
    const { authors } = await fleet.hub.api.get<{ authors: string[] }>(`rollouts/${waiting.id}`)
    assert.deepEqual(authors, ['Test <test@groundswell.invalid>'])
    const words = await fleet.swell('describe', 'rollout', waiting.id)
    assert.match(words, /waits for approval/)
    assert.match(words, /\(before: approval\) +not yet/)
    await fleet.polls()
    await fleet.assertTexts({ a: 'gated', b: text, c: text })
    const elsewhere = await fleet.trySwell('rollout', 'approve', 'web', '--wave', 'canary')
    assert.equal(elsewhere.code, 1)
    assert.match(
      elsewhere.said,
      /waits at the gate before wave production, not at one of wave canary/,
    )
    const approved = await fleet.swell('rollout', 'approve', 'web', '--reason', 'looked at it')
    assert.match(approved, /approve accepted at the gate before wave production/)
    const ended = await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
    assert.equal(ended.id, waiting.id)
    await fleet.assertTexts({ a: 'gated', b: 'gated', c: 'gated' })
    assert.match(
      await fleet.swell('describe', 'rollout', waiting.id),
      /\(before: approval\) +by admin/,
    )
    const again = await fleet.trySwell('rollout', 'approve', waiting.id)
    assert.equal(again.code, 1)
    assert.match(again.said, /is Succeeded and cannot be approved/)
  })

  it('a pipeline that pushed waits for its own commit, not for what ran before it', async () => {
    await fleet.settle()
    const commit = await fleet.say('waited for', strategyFile('1s'))
    const words = ['wait', 'application', 'web', '--timeout', '60s', '--commit']
    assert.match(await fleet.swell(...words, commit), /application\/web updated/)
    await fleet.assertTexts({ a: 'waited for', b: 'waited for', c: 'waited for' })
    const unknown = await fleet.trySwell(...words.with(4, '1s'), 'f'.repeat(40))
    assert.equal(unknown.code, 1)
    assert.match(unknown.said, /commit f{40} is not read, or not decided on yet/)
  })

  it('waiting and an approval both survive kill -9 of the hub', async () => {
    const text = await fleet.settle()
    await fleet.say('approved once', strategyFile('1s', approval))
    const { id } = await fleet.rolloutWhen('the gate to hold', ({ message }) =>
      /waits for approval/.test(message),
    )
    await fleet.hub.kill()
    await fleet.hub.start()
    await fleet.rolloutWhen('the gate to hold still', (rollout) => {
      return rollout.id === id && /waits for approval/.test(rollout.message)
    })
    await fleet.assertTexts({ b: text, c: text })
    await fleet.swell('rollout', 'approve', 'web')
    await fleet.hub.kill()
    await fleet.hub.start()
    const ended = await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
    assert.equal(ended.id, id)
    await fleet.assertTexts({ a: 'approved once', b: 'approved once', c: 'approved once' })
  })

  it('paused in mid-wave, nothing new is offered; resumed, it goes on', async () => {
    const text = await fleet.settle()
    await fleet.say('paused', strategyFile('15s'))
    const id = await untilCanarySays('paused')
    await fleet.swell('rollout', 'pause', 'web', '--reason', 'lunch')
    const paused = await fleet.rolloutWhen(
      'the canary to come to its end',
      (rollout) => clusterOf(rollout, 'a').outcome === 'Succeeded',
    )
    assert.equal(paused.phase, 'Paused')
    assert.match(paused.message, /paused by admin: lunch/)
    await fleet.polls()
    await fleet.assertTexts({ a: 'paused', b: text, c: text })
    await fleet.swell('rollout', 'resume', 'web')
    const ended = await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
    assert.equal(ended.id, id)
    await fleet.assertTexts({ a: 'paused', b: 'paused', c: 'paused' })
  })

  it('aborted, it says what stayed where, is not redone by itself, and is by a person', async () => {
    const text = await fleet.settle()
    await fleet.say('aborted', strategyFile('10m'))
    const id = await untilCanarySays('aborted')
    await fleet.swell('rollout', 'abort', 'web', '--reason', 'wrong day')
    const aborted = await fleet.rollout(id)
    assert.equal(aborted.phase, 'Aborted')
    assert.match(aborted.message, /aborted by admin: wrong day/)
    for (const name of ['b', 'c']) assert.equal(clusterOf(aborted, name).outcome, 'Skipped')
    // A commit beside it changes nothing about that.
    await fleet.repository.commit(strategyFile('1s'))
    await fleet.polls()
    assert.equal((await newestRollout(fleet.hub.api, 'web'))?.id, id)
    await fleet.assertTexts({ a: 'aborted', b: text, c: text })
    await fleet.swell('rollout', 'start', 'web', '--watch')
    await fleet.assertTexts({ a: 'aborted', b: 'aborted', c: 'aborted' })
  })

  it('rolled back after success: content before, a hold, no redo, but a person may', async () => {
    const text = await fleet.settle()
    const commit = await fleet.say('regretted')
    const { id } = await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    await fleet.assertTexts({ a: 'regretted', b: 'regretted', c: 'regretted' })
    await fleet.swell('rollout', 'rollback', id, '--reason', 'customers complain')
    await waitForRollout(fleet.hub.api, 'web', 'RolledBack')
    await fleet.assertTexts({ a: text, b: text, c: text })
    const { hold } = await fleet.application()
    assert(hold && hold.revision.endsWith(commit))
    assert.match(hold.reason, /customers complain/)
    await fleet.polls()
    assert.equal((await newestRollout(fleet.hub.api, 'web'))?.id, id)

    const planned = JSON.parse(await fleet.swell('rollout', 'plan', 'web', '-o', 'json')) as {
      rollout: { waves: { name: string; clusters: { name: string }[] }[] }
    }
    assert.deepEqual(
      planned.rollout.waves.map(({ name, clusters }) => [name, clusters.map(({ name }) => name)]),
      [
        ['canary', ['a']],
        ['production', ['b', 'c']],
      ],
    )
    const shown = await fleet.swell('rollout', 'plan', 'web')
    assert.match(shown, /production +\S+ +c /)
    assert.match(
      shown,
      /^CHANGES: 1 changed\n  ConfigMap web\/settings: changed, on all 3 clusters$/m,
    )
    assert.match(shown, /^    -  text: .*\n    \+  text: regretted$/m)
    assert.match(shown, /^ESTIMATE: about .* by \d+ rollouts? before$/m)
    await fleet.polls()
    assert.equal((await newestRollout(fleet.hub.api, 'web'))?.id, id, 'a plan starts nothing')
    await fleet.assertTexts({ a: text, b: text, c: text })

    await fleet.swell('rollout', 'start', 'web', '--watch', '--reason', 'it was not us')
    await fleet.assertTexts({ a: 'regretted', b: 'regretted', c: 'regretted' })
    assert.equal((await fleet.application()).hold, null)
  })

  it('rolled back and reverted, it comes again by itself once Git asks for it again', async () => {
    const text = await fleet.settle()
    await fleet.say('tried twice')
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
    await fleet.textsBecome({ a: 'tried twice', b: 'tried twice', c: 'tried twice' })
    await fleet.swell('rollout', 'rollback', 'web', '--reason', 'the database was not there')
    await waitForRollout(fleet.hub.api, 'web', 'RolledBack')
    await fleet.say(text)
    await until(async () => (await fleet.application()).hold === null, {
      deadlineMs: 20_000,
      what: 'the hold to end with the revert',
    })
    await fleet.assertTexts({ a: text, b: text, c: text })
    const commit = await fleet.say('tried twice')
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    await fleet.assertTexts({ a: 'tried twice', b: 'tried twice', c: 'tried twice' })
  })

  it('a freeze that is merged in mid-rollout keeps the rest back until it is lifted', async () => {
    const text = await fleet.settle()
    await fleet.say('frosty', strategyFile('1s', approval))
    const { id } = await fleet.rolloutWhen('the gate to hold', ({ message }) =>
      /production.*waits for approval/.test(message),
    )
    const freeze = `apiVersion: groundswell.dev/v1alpha1
kind: ClusterGroup
metadata: { name: everything }
spec:
  selector: {}
  windows: [{ kind: deny, schedule: "* * * * *", duration: 10m, reason: audit }]
`
    await fleet.repository.commit({ 'fleet/freeze.yaml': freeze })
    await fleet.polls(2)
    await fleet.swell('rollout', 'approve', 'web')
    const frozen = await fleet.rolloutWhen('the freeze to hold', ({ waitingFor }) =>
      waitingFor.some((reason) => reason.includes('freeze')),
    )
    assert.equal(frozen.id, id)
    assert.match(
      await fleet.swell('rollout', 'why', 'web'),
      /^2 clusters wait for the end of the freeze of ClusterGroup everything, which is not over at \S+ \(audit\)$/m,
    )
    await fleet.assertTexts({ a: 'frosty', b: text, c: text })
    await fleet.repository.commit({ 'fleet/freeze.yaml': null })
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
    await fleet.assertTexts({ a: 'frosty', b: 'frosty', c: 'frosty' })
  })

  it('a condition on the fleet holds production; a person may promote past it', async () => {
    const text = await fleet.settle()
    const gates = approval.replace(
      'approval: {}',
      "cel: { expression: \"fleet.connected == 3 && clusters.all(c, c.connected && c.labels['ring'] == 'nowhere')\", message: a place that is not, interval: 1s }",
    )
    await fleet.say('conditioned', strategyFile('1s', gates))
    const waiting = await fleet.rolloutWhen('the condition not to hold', ({ waitingFor }) =>
      waitingFor.some((reason) => reason.includes('it does not hold yet')),
    )
    assert.match(
      await fleet.swell('rollout', 'why', 'web'),
      /the gate before wave production waits for a place that is not: it does not hold yet/,
    )
    await fleet.polls()
    await fleet.assertTexts({ a: 'conditioned', b: text, c: text })
    await fleet.swell('rollout', 'promote', 'web', '--reason', 'I looked')
    const ended = await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
    assert.equal(ended.id, waiting.id)
    assert.match(
      await fleet.swell('describe', 'rollout', ended.id),
      /\(before: cel\) +passed .*opened by .*I looked/,
    )
  })

  it('a failed cluster pauses it by name; retried once its cause is gone, it succeeds', async () => {
    await fleet.settle()
    await blockCluster('b')
    try {
      await fleet.say('retried', { 'apps/web/extra.yaml': configMap('extra', 'ours') })
      const paused = await fleet.rolloutWhen('b to fail', ({ phase }) => phase === 'Paused')
      assert.equal(clusterOf(paused, 'b').outcome, 'Failed')
      assert.match(clusterOf(paused, 'b').message, /extra/)
      const refused = await fleet.trySwell('rollout', 'resume', 'web')
      assert.equal(refused.code, 1)
      assert.match(refused.said, /retry the failed clusters/)
      await unblockCluster('b')
      await fleet.swell('rollout', 'retry', 'web', '--reason', 'unblocked')
      const ended = await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
      assert.equal(ended.id, paused.id)
      await fleet.assertTexts({ a: 'retried', b: 'retried', c: 'retried' })
      assert.equal(await fleet.readText('b', 'web', 'extra'), 'ours')
    } finally {
      await unblockCluster('b')
    }
  })

  it('a failed cluster is skipped, and the others go on', async () => {
    await fleet.settle()
    await blockCluster('b')
    try {
      await fleet.say('skipped', { 'apps/web/extra.yaml': configMap('extra', 'ours') })
      await fleet.rolloutWhen('b to fail', ({ phase }) => phase === 'Paused')
      await fleet.swell('rollout', 'skip', 'web', 'b', '--reason', 'later')
      await fleet.swell('rollout', 'resume', 'web')
      const { id } = await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
      const b = clusterOf(await fleet.rollout(id), 'b')
      assert.equal(b.outcome, 'Skipped')
      assert.match(b.message, /skipped by admin: later/)
      assert.equal(await fleet.readText('c', 'web', 'extra'), 'ours')
      assert.equal(await fleet.readText('b', 'web', 'extra'), 'by hand')
    } finally {
      await unblockCluster('b')
    }
  })

  it('a failure within the budget is shown and does not stop the wave', async () => {
    await fleet.settle('      maxFailures: 1\n')
    await blockCluster('b')
    try {
      const commit = await fleet.say('tolerated', {
        'apps/web/extra.yaml': configMap('extra', 'ours'),
      })
      const { id } = await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
      const ended = await fleet.rollout(id)
      assert.equal(clusterOf(ended, 'b').outcome, 'Failed')
      assert.match(ended.message, /2 succeeded, 1 failed/)
      assert.equal(await fleet.readText('c', 'web', 'extra'), 'ours')
    } finally {
      await unblockCluster('b')
    }
  })

  it('onFailure: rollback brings the canary back, never touches production, and holds', async () => {
    const text = await fleet.settle('  onFailure: rollback\n')
    // What schemas let pass: the hub itself refuses the rest.
    const refused = configMap('settings', 'refused').replace(' text:', ' "no key":')
    const commit = await fleet.repository.commit({
      'apps/web/settings.yaml': refused,
      'apps/web/extra.yaml': configMap('extra', 'beside it'),
    })
    const { id } = await waitForRollout(fleet.hub.api, 'web', 'RolledBack', { commit })
    await fleet.assertTexts({ a: text, b: text, c: text })
    await fleet.polls()
    const ended = await fleet.rollout(id)
    for (const name of ['b', 'c']) assert.notEqual(clusterOf(ended, name).state, 'Reverted')
    assert.match(ended.message, /rolled back: .*no key/)
    for (const name of ['a', 'b', 'c']) {
      assert.equal(await fleet.readText(name, 'web', 'extra'), undefined, `extra on ${name}`)
    }
    assert((await fleet.application()).hold?.revision.endsWith(commit))
    // A commit beside it does not bring the held content back.
    await fleet.repository.commit({ 'README.md': 'unrelated\n' })
    await fleet.polls()
    assert.equal((await newestRollout(fleet.hub.api, 'web'))?.id, id)
    const fixed = await fleet.say('fixed')
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit: fixed })
    await fleet.assertTexts({ a: 'fixed', b: 'fixed', c: 'fixed' })
    assert.equal((await fleet.application()).hold, null)
  })

  it('a commit in mid-wave takes over, and the one before is said to be superseded', async () => {
    await fleet.settle()
    await fleet.say('overtaken', strategyFile('10m'))
    const id = await untilCanarySays('overtaken')
    const commit = await fleet.repository.commit({
      ...strategyFile('1s'),
      ...applicationFiles('web', 'newest'),
    })
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    assert.equal((await fleet.rollout(id)).phase, 'Superseded')
    await fleet.assertTexts({ a: 'newest', b: 'newest', c: 'newest' })
  })

  it('the ledger of one rollout after another holds: order, bounds, gates, versions', async () => {
    await fleet.settle()
    const counted = await assertLedgerHolds(fleet.hub.data)
    assert(counted.rollouts > 0 && counted.offers >= 3 && counted.waves > 0)
  })
})
