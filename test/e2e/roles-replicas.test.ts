import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { runRefused } from '../support/hub-surroundings.ts'
import { assertLedgerHolds } from '../support/ledger-oracle.ts'
import { untilAllHave } from '../support/memory-agent.ts'
import { createOfferRecord } from '../support/offer-record.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { createReplicaAgents } from '../support/replica-agents.ts'
import {
  type ReplicaProcesses,
  startReplicas,
  untilLedAmong,
} from '../support/replica-processes.ts'
import { type RoleProcess, createRole, startBackRoles } from '../support/role-processes.ts'
import { type TempDir, createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* Two front ends, one signer, one renderer: whichever front end leads, the keys are elsewhere. */

describe('front ends that are replicas', () => {
  const stack = new AsyncDisposableStack()
  let directory: TempDir
  let git: GitServer
  let fleet: TestRepository
  let redis: TestRedis
  let sockets: string
  let signer: RoleProcess
  let replicas: ReplicaProcesses
  const agents = createReplicaAgents()
  const offers = createOfferRecord()

  before(async () => {
    directory = stack.use(await createTempDir('roles-replicas'))
    git = stack.use(await startGitServer())
    redis = stack.use(await startRedis())
    fleet = await git.createRepository('fleet')
    await fleet.commit({
      ...clusterFiles,
      ...strategyFile('2s'),
      ...applicationFiles('web', 'one'),
    })
    const world = { directory: directory.path, fleetUrl: git.url('fleet') }
    ;({ sockets, signer } = await startBackRoles(stack, world, redis.url))
    replicas = stack.use(
      await startReplicas({
        directory: join(directory.path, 'front'),
        redisUrl: redis.url,
        names: ['one', 'two'],
        args: ['--role', 'api', '--sockets', sockets, '--offline-grace', '60s'],
      }),
    )
    await agents.start(stack, replicas.hubs, offers.note)
    await untilAllHave('one', agents.texts)
    await waitForRollout((await replicas.untilLed()).api, 'web', 'Succeeded')
  })

  after(() => stack.disposeAsync())

  async function assertWentOn(heir: HubProcess, text: string, commit: string, id: string) {
    const ended = await waitForRollout(heir.api, 'web', 'Succeeded', { commit })
    assert.equal(ended.id, id)
    assert.deepEqual(agents.texts(), [text, text, text])
    await assertLedgerHolds(heir.data)
    offers.assertOneEach()
  }

  it('F2, I3: kill -9 of the front end that leads, in mid-wave: the other goes on by the same signer', async () => {
    const leader = await replicas.untilLed()
    const { commit, id } = await agents.sayMidWave(fleet, leader, 'two')
    await leader.kill()
    const [heir] = replicas.others(leader)
    await untilLedAmong([heir!])
    await assertWentOn(heir!, 'two', commit, id)
    await leader.start()
  })

  it('F3, I3: one that sleeps past its lease wakes fenced, and has nothing signed', async () => {
    const leader = await replicas.untilLed()
    const { commit, id } = await agents.sayMidWave(fleet, leader, 'three')
    process.kill(leader.process().pid, 'SIGSTOP')
    const [heir] = replicas.others(leader)
    await untilLedAmong([heir!])
    process.kill(leader.process().pid, 'SIGCONT')
    await until(() => !leader.process().running, { deadlineMs: 15_000, what: 'it to end' })
    assert.equal(leader.process().exitCode, 75)
    await assertWentOn(heir!, 'three', commit, id)
    await leader.start()
  })

  it('a front end of another signer is refused by name', async () => {
    await replicas.untilLed()
    const other = join(directory.path, 'other')
    await mkdir(other)
    const apart = await createRole(
      { directory: other, sockets: join(other, 'sockets') },
      'signer',
      [],
    )
    apart.start()
    stack.defer(() => apart.stop())
    const { code, words } = await runRefused([
      ...['--role', 'api', '--sockets', join(other, 'sockets'), '--replica', 'three'],
      ...['--redis', redis.url, '--data', join(other, 'data')],
      ...['--shared', join(directory.path, 'front', 'shared'), '--host', '127.0.0.9'],
    ])
    assert.equal(code, 1)
    assert.match(words, /another signer \(.*give all of them the same --sockets/)
    assert(signer.process().running)
  })
})
