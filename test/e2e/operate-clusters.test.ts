import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles } from '../support/fleet-files.ts'
import { kubeCall } from '../support/kube-request.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { type ServerProcess, startProcess } from '../support/process.ts'
import { clusterOf, type SettledFleet, startSettledFleet } from '../support/settled-fleet.ts'
import { runSwell, spawnSwell } from '../support/swell.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const agentProgram = fileURLToPath(new URL('../../agent/main.ts', import.meta.url))

describe('people looking at clusters, and clusters that come and go, over three API servers', () => {
  let fleet: SettledFleet

  before(async () => {
    fleet = await startSettledFleet()
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
  })

  after(async () => {
    await fleet?.[Symbol.asyncDispose]()
  })

  async function patchByHand(cluster: string, text: string, namespace = 'web'): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/configmaps/settings?fieldManager=somebody`
    await kubeCall(fleet.planes.get(cluster)!, 'PATCH', path, { data: { text } })
  }

  /** Starts a further agent and waits for its end; gives its last words. */
  async function runAgentToEnd(directory: string, args: readonly string[]): Promise<string> {
    const agent: ServerProcess = startProcess(process.execPath, [agentProgram, ...args], {
      name: 'further agent',
      logFile: join(directory, 'further-agent.log'),
    })
    try {
      await until(() => !agent.running, { deadlineMs: 20_000, what: 'the agent to be refused' })
      assert.notEqual(agent.exitCode, 0)
      return agent.readLog()
    } finally {
      await agent.kill()
    }
  }

  it('a cluster that is away is unreachable, not failed, and catches up when it is back', async () => {
    const text = await fleet.settle()
    const agent = fleet.agents.get('c')!
    await agent.kill()
    try {
      await fleet.connected('c', 'Disconnected')
      const commit = await fleet.say('while c is away')
      const { id } = await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
      const ended = await fleet.rollout(id)
      assert.equal(clusterOf(ended, 'c').outcome, 'Unreachable')
      assert.match(ended.message, /2 succeeded, 1 unreachable/)
      await fleet.assertTexts({ a: 'while c is away', b: 'while c is away', c: text })
      const { counts } = await fleet.application()
      assert.equal(counts['unreachable'], 1)
      assert.equal(counts['failed'], 0)
      await agent.start()
      await fleet.textsBecome({ c: 'while c is away' })
      const caught = await fleet.rolloutWhen(
        'the catch-up to succeed',
        (rollout) => rollout.id !== id && rollout.phase === 'Succeeded',
      )
      assert.equal(caught.trigger.kind, 'catchUp')
      assert.deepEqual(
        caught.waves.flatMap(({ clusters }) => clusters.map(({ name }) => name)),
        ['c'],
      )
    } finally {
      await agent.kill()
      await agent.start()
      await fleet.connected('c')
    }
  })

  it('offline: wait holds the rollout for the cluster that is away, and says for which', async () => {
    const text = await fleet.settle('  offline: wait\n')
    const agent = fleet.agents.get('b')!
    await agent.kill()
    try {
      await fleet.connected('b', 'Disconnected')
      await fleet.say('waited for')
      const waiting = await fleet.rolloutWhen('the rollout to wait for b', ({ waitingFor }) =>
        waitingFor.some((sentence) => /\bb\b.*(connect|away|reach)/.test(sentence)),
      )
      await fleet.polls()
      assert.equal((await fleet.rollout(waiting.id)).phase, 'Progressing')
      await fleet.assertTexts({ b: text })
      await agent.start()
      const ended = await waitForRollout(fleet.hub.api, 'web', 'Succeeded')
      assert.equal(ended.id, waiting.id)
      await fleet.textsBecome({ a: 'waited for', b: 'waited for', c: 'waited for' })
    } finally {
      await agent.kill()
      await agent.start()
      await fleet.connected('b')
    }
  })

  it('lists everything in every format', async () => {
    await fleet.settle()
    await fleet.repository.commit({
      'fleet/groups.yaml': `apiVersion: groundswell.dev/v1alpha1
kind: ClusterGroup
metadata: {name: production}
spec: {selector: {matchLabels: {ring: production}}}
`,
    })
    await until(async () => (await fleet.swell('get', 'groups', '-o', 'name')) !== '', {
      deadlineMs: 20_000,
      what: 'the group to be read',
    })
    const kinds = [
      { kind: 'clusters', singular: 'cluster', names: ['a', 'b', 'c'] },
      { kind: 'groups', singular: 'group', names: ['production'] },
      { kind: 'applications', singular: 'application', names: ['web'] },
    ]
    for (const { kind, singular, names } of kinds) {
      const named = names.map((name) => `${singular}/${name}\n`).join('')
      assert.equal(await fleet.swell('get', kind, '-o', 'name'), named)
      for (const [format, read] of [
        ['json', (text: string): unknown => JSON.parse(text)],
        ['yaml', (text: string): unknown => parse(text)],
      ] as const) {
        const shown = read(await fleet.swell('get', kind, '-o', format)) as {
          items: { name: string }[]
        }
        assert.deepEqual(
          shown.items.map(({ name }) => name),
          names,
          `${kind} as ${format}`,
        )
      }
      const table = await fleet.swell('get', kind)
      const wide = await fleet.swell('get', kind, '-o', 'wide')
      for (const shown of [table, wide]) {
        const [header, ...rows] = shown.trimEnd().split('\n')
        assert.match(header!, /^NAME +[A-Z]/)
        assert.deepEqual(
          rows.map((row) => row.split(' ')[0]),
          names,
        )
      }
      assert(wide.split('\n')[0]!.length > table.split('\n')[0]!.length, `${kind} wide is wider`)
    }
    const rollouts = (await fleet.swell('get', 'rollouts', '-o', 'name')).trim().split('\n')
    const { items } = JSON.parse(await fleet.swell('get', 'rollouts', '-o', 'json')) as {
      items: { id: string }[]
    }
    assert.deepEqual(
      rollouts,
      items.map(({ id }) => `rollout/${id}`),
    )
    assert.match(await fleet.swell('get', 'rollouts'), /^NAME .*\n\S+ +web .*Succeeded/)
    assert.match(await fleet.swell('get', 'rollouts', '-o', 'yaml'), /phase: Succeeded/)
    assert.match(await fleet.swell('get', 'rollouts', '-o', 'wide'), /WAITING FOR/)
    const unknown = await fleet.trySwell('get', 'cluster', 'nowhere')
    assert.equal(unknown.code, 1)
  })

  it('events -f prints what happens as it happens, and ends when asked', async () => {
    await fleet.settle()
    const events = await spawnSwell(fleet.hub, 'events', '-f', '--limit', '1', '-o', 'json')
    try {
      await until(() => events.out() !== '', { deadlineMs: 10_000, what: 'the newest event' })
      const commit = await fleet.say('seen in events')
      const { id } = await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
      const lines = await until(
        () => {
          const found = events.out().trimEnd().split('\n')
          return found.some((line) => line.includes(id) && line.includes('Succeeded')) && found
        },
        { deadlineMs: 10_000, what: 'the rollout in the events' },
      )
      const ids = lines.map((line) => (JSON.parse(line) as { id: string }).id)
      assert.equal(new Set(ids).size, ids.length, 'each event once')
    } finally {
      assert.equal(await events.stop(), 130)
    }
  })

  it('drift: report shows it and leaves it, diff exits with 1, then with 0 when it is gone', async () => {
    const text = await fleet.settle()
    const commit = await fleet.repository.commit(
      applicationFiles('watched', text, '  drift: report\n'),
    )
    await waitForRollout(fleet.hub.api, 'watched', 'Succeeded', { commit })
    assert.equal((await fleet.trySwell('diff', 'watched')).code, 0)
    await patchByHand('b', 'by hand', 'watched')
    const differing = await until(
      async () => {
        const answer = await fleet.trySwell('diff', 'watched')
        return answer.code === 1 ? answer : undefined
      },
      { deadlineMs: 20_000, what: 'the drift to be reported' },
    )
    assert.match(differing.out, /cluster b\n/)
    assert.match(differing.out, /- \/data\/text: .*settled/)
    assert.match(differing.out, /\+ \/data\/text: .*by hand.*somebody/)
    assert.doesNotMatch(differing.out, /cluster a\n/)
    assert.equal((await fleet.trySwell('diff', 'watched', '--cluster', 'a')).code, 0)
    await fleet.polls(5)
    assert.equal(await fleet.readText('b', 'watched'), 'by hand', 'reported, not corrected')
    assert.match(await fleet.swell('describe', 'cluster', 'b'), /watched .*\b1\b/)
    await patchByHand('b', text, 'watched')
    await until(async () => (await fleet.trySwell('diff', 'watched')).code === 0, {
      deadlineMs: 20_000,
      what: 'the drift to be gone',
    })
    assert.equal((await fleet.trySwell('diff', 'nothing')).code, 2)
    const away = { url: 'http://127.0.0.1:9', token: fleet.hub.token }
    assert.equal((await runSwell(away, 'diff', 'watched')).code, 2)
  })

  it('drift: correct heals, drift: ignore neither heals nor shows, each for its application', async () => {
    const text = await fleet.settle()
    const commit = await fleet.repository.commit(
      applicationFiles('ignored', text, '  drift: ignore\n'),
    )
    await waitForRollout(fleet.hub.api, 'ignored', 'Succeeded', { commit })
    await patchByHand('b', 'by hand', 'ignored')
    // Healing the one made after it shows that there was time for the other.
    await patchByHand('b', 'by hand')
    await fleet.textsBecome({ b: text })
    assert.equal(await fleet.readText('b', 'ignored'), 'by hand')
    const { counts } = await fleet.application('ignored')
    assert.equal(counts['drifted'], 0)
  })

  it('a revoked agent is cut within 5 s and cannot come back; a new token re-joins', async () => {
    const text = await fleet.settle()
    const agent = fleet.agents.get('c')!
    const revokedAt = performance.now()
    await fleet.swell('cluster', 'revoke', 'c', '--reason', 'lost laptop')
    await fleet.connected('c', 'Disconnected')
    assert(performance.now() - revokedAt < 5_000, 'cut within 5 s')
    assert.match(await fleet.swell('get', 'cluster', 'c'), /Revoked/)
    await agent.kill()
    await agent.start()
    const running = agent.process()
    const words = await until(() => /refus|revok|not enrolled|identity/i.exec(running.readLog()), {
      deadlineMs: 20_000,
      what: 'the agent to be refused',
    })
    assert(words)
    await fleet.polls()
    const view = await fleet.hub.api.get<{ connection: { state: string } }>('clusters/c')
    assert.equal(view.connection.state, 'Disconnected')
    await fleet.assertTexts({ c: text })
    await agent.kill()

    const first = (await fleet.swell('cluster', 'token', 'c', '--pre-approved')).trim()
    const second = (await fleet.swell('cluster', 'token', 'c', '--pre-approved')).trim()
    assert.notEqual(first, second)
    await using directory = await createTempDir('rejoin')
    const join_ = [
      '--hub',
      fleet.hub.enrolAddress,
      '--kubeconfig',
      fleet.planes.get('c')!.kubeconfig,
    ]
    const rejoined = startProcess(
      process.execPath,
      [agentProgram, ...join_, '--data', join(directory.path, 'new'), '--token', first],
      { name: 'agent c', logFile: join(directory.path, 'agent.log') },
    )
    try {
      await fleet.connected('c')
      assert.match(await fleet.swell('get', 'cluster', 'c'), /Enrolled/)
      const used = await runAgentToEnd(directory.path, [
        ...join_,
        ...['--data', join(directory.path, 'again'), '--token', first],
      ])
      assert.match(used, /already used/)
      const commit = await fleet.say('after re-joining')
      await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
      await fleet.assertTexts({ c: 'after re-joining' })
    } finally {
      await rejoined.stop()
      // The agent every other test knows takes the new identity over.
      await cp(join(directory.path, 'new'), agent.data, { recursive: true, force: true })
      await agent.start()
      await fleet.connected('c')
    }
  })

  it('one cluster cannot join under two names', async () => {
    await fleet.settle()
    const twin = clusterFiles['fleet/clusters.yaml']!.split('---\n')[1]!
    await fleet.repository.commit({
      'fleet/twin.yaml': twin
        .replace('name: b', 'name: twin')
        .replace('ring: production', 'ring: none'),
    })
    try {
      const token = await until(
        async () => {
          const { code, out } = await fleet.trySwell('cluster', 'token', 'twin')
          return code === 0 ? out.trim() : undefined
        },
        { deadlineMs: 20_000, what: 'the twin to be declared' },
      )
      await using directory = await createTempDir('twin')
      const words = await runAgentToEnd(directory.path, [
        ...['--hub', fleet.hub.enrolAddress, '--token', token],
        ...['--kubeconfig', fleet.planes.get('b')!.kubeconfig],
        ...['--data', join(directory.path, 'twin')],
      ])
      assert.match(words, /already enrolled as b/)
      assert.match(await fleet.swell('get', 'cluster', 'twin'), /Declared/)
    } finally {
      await fleet.repository.commit({ 'fleet/twin.yaml': null })
    }
  })

  it('a second agent with the same data directory is refused, and the first is unharmed', async () => {
    await fleet.settle()
    const agent = fleet.agents.get('b')!
    await using directory = await createTempDir('second-agent')
    const words = await runAgentToEnd(directory.path, [
      ...['--kubeconfig', fleet.planes.get('b')!.kubeconfig, '--data', agent.data],
    ])
    assert.match(words, /another agent/)
    assert.equal(agent.process().running, true)
    const commit = await fleet.say('still one agent')
    await waitForRollout(fleet.hub.api, 'web', 'Succeeded', { commit })
    await fleet.assertTexts({ b: 'still one agent' })
  })

  it('the ledger of clusters that come and go holds too', async () => {
    await fleet.settle()
    const counted = await assertLedgerHolds(fleet.hub.data)
    assert(counted.rollouts > 0 && counted.offers >= 3)
  })
})
