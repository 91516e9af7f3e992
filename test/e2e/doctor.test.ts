import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Redis } from 'ioredis'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { type HubProcess, startHub } from '../support/hub-process.ts'
import { untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { type SmallDisk, mountSmallDisk, runInNamespace } from '../support/small-disk.ts'
import { runSwell } from '../support/swell.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* `swell doctor` at a hub that something is really wrong with: it says what, what to do, and by its exit code that. */

interface Finding {
  readonly check: string
  readonly state: 'OK' | 'WARN' | 'FAIL' | 'SKIP'
  readonly message: string
  readonly advice: string
}

/** A program whose clock is ahead by so many milliseconds. */
function shiftClock(ms: number): Record<string, string> {
  const code = `const { now } = Date
Date.now = () => now() + ${ms}`
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` }
}

const outcome = runInNamespace(import.meta.filename)
if (outcome) {
  test('in a namespace of its own, where a disk may be mounted', () => {
    assert.ok(outcome.ok, outcome.text)
  })
} else {
  describe('swell doctor', () => {
    const stack = new AsyncDisposableStack()
    let git: GitServer
    let redis: TestRedis
    let hub: HubProcess
    let disk: SmallDisk | undefined
    let remote: string
    let repository: Awaited<ReturnType<GitServer['createRepository']>>
    const agents: MemoryAgent[] = []

    before(async () => {
      const directory = stack.use(await createTempDir('doctor'))
      git = stack.use(await startGitServer())
      redis = stack.use(await startRedis())
      repository = await git.createRepository('fleet')
      await repository.commit({
        ...{ ...clusterFiles, ...strategyFile('0s') },
        ...applicationFiles('web', 'one'),
      })
      remote = join(directory.path, 'ledger.git')
      execFileSync('git', ['init', '--quiet', '--bare', remote])
      disk = await mountSmallDisk(200 * 1024)
      if (disk) {
        stack.use(disk)
        await symlink(disk.path, join(directory.path, 'hub'))
      }
      hub = await startHub({
        ...{ directory: directory.path, fleetUrl: git.url('fleet'), path: 'fleet' },
        ...{ redisUrl: redis.url, interval: '1s' },
        // Its authority has less than a month left from its first day.
        args: ['--ledger-remote', remote, '--enrol-rate', '100', '--ca-life', '600h'],
      })
      stack.defer(() => hub.stop())
      await untilReady(hub)
      for (const name of ['a', 'b', 'c']) {
        agents.push(stack.use(await startMemoryAgent(hub, name)))
      }
      const texts = () =>
        agents.map(
          ({ cluster }) =>
            (cluster.read('/ConfigMap/web/settings') as { data?: { text?: string } })?.data?.text,
        )
      await untilAllHave('one', texts)
    })
    after(() => stack.disposeAsync())

    async function ask(env: Record<string, string> = {}, ...words: readonly string[]) {
      const { code, out, said } = await runSwell({ ...hub, env }, 'doctor', '-o', 'json', ...words)
      assert.equal(said, '', out)
      const { findings } = JSON.parse(out) as { findings: Finding[] }
      return { code, findings }
    }

    /** Waits until it says so of a check; its exit code is that of a failure, or not. */
    async function says(
      check: string,
      state: Finding['state'],
      message: RegExp,
      advice: RegExp,
    ): Promise<void> {
      const found = await until(
        async () => {
          const { code, findings } = await ask()
          const told = findings.find(
            (one) => one.check === check && one.state === state && message.test(one.message),
          )
          if (!told) throw new Error(JSON.stringify(findings.filter((one) => one.state !== 'OK')))
          return { code, told, findings }
        },
        { deadlineMs: 30_000, intervalMs: 200, what: `the doctor to say ${state} of ${check}` },
      )
      assert.match(found.told.advice, advice)
      const fails = found.findings.some((one) => one.state === 'FAIL')
      assert.equal(found.code, fails ? 1 : 0)
      if (state === 'FAIL') assert.equal(found.code, 1)
    }
    const isWell = () => says('agents', 'OK', /^3\/3 connected$/, /^$/)

    test('is content where nothing fails, and names what ends before long', async () => {
      await isWell()
      const { code, findings } = await until(
        async () => {
          const asked = await ask()
          return asked.code === 0 && asked
        },
        { deadlineMs: 20_000, what: 'nothing to fail' },
      )
      assert.equal(code, 0)
      const notOk = findings.filter(({ state }) => state !== 'OK')
      assert.deepEqual(
        notOk.map(({ check, state }) => [check, state]),
        [['authority (Issuing)', 'WARN']],
      )
      assert.match(notOk[0]!.message, /^until \d{4}-/)
      assert.match(notOk[0]!.advice, /the hub renews it .*swell cluster authorities/)
      // Warnings fail where it is asked for; and a person reads what to do below the table.
      assert.equal((await ask({}, '--strict')).code, 1)
      const { out } = await runSwell(hub, 'doctor')
      assert.match(out, /^OK +hub: redis +works$/m)
      assert.match(out, /^OK +source fleet +main@sha1:/m)
      assert.match(out, /^→ authority \(Issuing\): the hub renews it/m)
    })

    test('names a clock that is off, either way', async () => {
      for (const [ms, words] of [
        [-120_000, /^the hub's is 1(19|20|21)s ahead of this machine's$/],
        [120_000, /^the hub's is 1(19|20|21)s behind this machine's$/],
      ] as const) {
        const { code, findings } = await ask(shiftClock(ms))
        const clock = findings.find(({ check }) => check === 'clock')
        assert.equal(clock?.state, 'FAIL')
        assert.match(clock.message, words)
        assert.match(clock.advice, /NTP/)
        assert.equal(code, 1)
      }
    })

    test('names a Git source that fails', async () => {
      git.fail()
      await says('source fleet', 'FAIL', /times since/, /swell describe source fleet/)
      git.resume()
      await says('source fleet', 'OK', /^main@sha1:/, /^$/)
    })

    test('names a commit that is refused', async () => {
      await repository.commit({
        'fleet/wrong.yaml': 'apiVersion: groundswell.dev/v1alpha1\nkind: Nothing\n',
      })
      await says('configuration', 'FAIL', /refused/, /swell fleet/)
      await repository.commit({ 'fleet/wrong.yaml': null })
      await says('configuration', 'OK', /^no faults$/, /^$/)
    })

    test('names agents that are cut off', async () => {
      await agents[0]!.stop()
      await says('agents', 'FAIL', /^1 of 3 are cut off$/, /log of their agents/)
      await agents[0]!.start()
      await isWell()
    })

    test('names Redis when it is away', async () => {
      await redis.kill()
      await says('hub: redis', 'FAIL', /^does not work$/, /look at Redis/)
      await redis.start()
      await says('hub: redis', 'OK', /^works$/, /^$/)
      await isWell()
    })

    test('names Redis when it answers but takes nothing', async () => {
      const client = new Redis(redis.url)
      await client.config('SET', 'maxmemory', '1')
      await says(
        'hub: redis_unwritable',
        'FAIL',
        /takes nothing: rollouts stand still/,
        /maxmemory/,
      )
      // It stops no agent, so nobody is kept from the hub.
      assert.equal((await fetch(`${hub.url}/readyz`)).status, 200)
      await client.config('SET', 'maxmemory', '0')
      client.disconnect()
      await isWell()
    })

    test('names the remote of the ledger when it takes nothing', async () => {
      const hook = join(remote, 'hooks', 'pre-receive')
      await mkdir(join(remote, 'hooks'), { recursive: true })
      await writeFile(hook, '#!/bin/sh\nexit 1\n', { mode: 0o755 })
      await hub.api.post('clusters/a/tokens', {})
      await says('hub: ledger_unpushed', 'FAIL', /remote .* does not take it/, /log of the hub/)
      await rm(hook)
      await until(
        async () => !(await ask()).findings.some(({ check }) => check === 'hub: ledger_unpushed'),
        { deadlineMs: 30_000, what: 'the ledger to be pushed' },
      )
    })

    test('names a disk that is nearly full, and a ledger that cannot be written', async (t) => {
      if (!disk) return t.skip('no disk may be mounted here')
      disk.fill()
      await says('hub: disk_low', 'WARN', /less than 64 MiB/, /make room/)
      // What is left of the file's last page takes a few lines more.
      await assert.rejects(async () => {
        for (let count = 0; count < 100; count += 1) await hub.api.post('clusters/a/tokens', {})
      }, /ledger/i)
      await says('hub: ledger_unwritable', 'FAIL', /nothing is decided/, /disk of the hub/)
      disk.free()
      await hub.api.post('clusters/a/tokens', {})
      await until(
        async () => !(await ask()).findings.some(({ check }) => check.startsWith('hub: ledger')),
        { deadlineMs: 20_000, what: 'the ledger to be well' },
      )
      await isWell()
      await repository.commit({ 'apps/web/settings.yaml': configMap('settings', 'two') })
      await says('hub: fleet', 'OK', /works/, /^$/)
    })

    test('says that a hub is not there, and nothing else', async () => {
      await hub.stop()
      const { code, out, said } = await runSwell(hub, 'doctor')
      assert.deepEqual([code, out], [2, ''])
      assert.match(said, /cannot be reached|ECONNREFUSED/)
    })
  })
}
