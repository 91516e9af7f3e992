import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { parseJoinToken } from '@groundswell/proto/enrol.ts'
import { BeginRequestSchema } from '@groundswell/proto/gen/groundswell/v1/enrol_pb.ts'
import { dialEnrolment } from '../../agent/link/grpc.ts'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { startMemoryAgent, untilAllHave } from '../support/memory-agent.ts'
import { runSwell } from '../support/swell.ts'
import { until } from '../support/until.ts'

const object = '/ConfigMap/web/settings'

interface SignerLine {
  readonly t: string
  readonly cluster?: string
  readonly sequence?: number
  /** Of a record that was made small. */
  readonly record?: { readonly cluster: string; readonly sequence: number }
}

/** The last sequence that the signer wrote down as signed for a cluster. */
async function lastSigned(hub: HubProcess, cluster: string): Promise<number> {
  const text = await readFile(join(hub.data, 'signer', 'record.jsonl'), 'utf8')
  const sequences = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as SignerLine)
    .map(({ t, record, ...line }) => (t === 'signed' ? line : record))
    .flatMap((one) => (one?.cluster === cluster ? [one.sequence ?? 0] : []))
  return Math.max(0, ...sequences)
}

it('T15: a revoked cluster is cut within 5 s, nothing is signed for it again, and what runs stays', async (t) => {
  await using world = await createSurroundings()
  const hub = await world.start()
  await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'one') })
  await untilReady(hub)
  await using a = await startMemoryAgent(hub, 'a')
  await using b = await startMemoryAgent(hub, 'b')
  const textOf = ({ cluster }: typeof a): string | undefined =>
    (cluster.read(object)?.['data'] as { text?: string } | undefined)?.text
  await untilAllHave('one', () => [a, b].map(textOf))
  await waitForRollout(hub.api, 'web', 'Succeeded')
  const state = async (cluster: string): Promise<string> =>
    (await hub.api.get<{ connection: { state: string } }>(`clusters/${cluster}`)).connection.state

  const revokedAt = performance.now()
  const revoked = await runSwell(hub, 'cluster', 'revoke', 'a', '--reason', 'its laptop was lost')
  assert.equal(revoked.code, 0, revoked.said)
  const answeredAt = performance.now()
  await until(() => a.warnings.some((words) => /this cluster was revoked/.test(words)), {
    deadlineMs: 5_000,
    what: 'its agent to be told',
  })
  await until(async () => (await state('a')) === 'Disconnected', {
    deadlineMs: 5_000,
    what: 'its stream to be cut',
  })
  const took = [performance.now() - revokedAt, performance.now() - answeredAt].map(Math.round)
  t.diagnostic(
    `cut ${took[0]} ms after \`swell\` was started, ${took[1]} ms after it had its answer`,
  )
  assert(took[0]! < 5_000, `${took[0]} ms`)
  const signed = await lastSigned(hub, 'a')
  assert(signed > 0)

  const commit = await world.repository.commit({
    'apps/web/settings.yaml': configMap('settings', 'two'),
  })
  // It was all of the canary: what comes now waits for a person.
  const { id } = await waitForRollout(hub.api, 'web', 'Planned', { commit })
  await hub.api.post(`rollouts/${id}/start`)
  await waitForRollout(hub.api, 'web', 'Succeeded', { commit })
  assert.equal(textOf(b), 'two')
  // It comes again, and is refused, also by a hub that has just started.
  const refusals = () =>
    a.warnings.filter((words) => /was revoked: its laptop was lost/.test(words)).length
  await until(() => refusals() > 1, { deadlineMs: 20_000, what: 'it to come again' })
  await hub.kill()
  await hub.start()
  await untilReady(hub)
  const before = refusals()
  await until(() => refusals() > before, { deadlineMs: 30_000, what: 'it to come once more' })
  await until(async () => (await state('b')) === 'Connected', {
    deadlineMs: 30_000,
    what: 'the other to be back',
  })
  assert.equal(await lastSigned(hub, 'a'), signed, 'nothing was signed for it')
  assert.equal(textOf(a), 'one', 'what runs there was left alone')
  assert.equal(await state('a'), 'Disconnected')
  const { out } = await runSwell(hub, 'cluster', 'list')
  t.diagnostic(out)
  assert.match(out, /^a +Revoked +Disconnected .*its laptop was lost$/m)
})

it('T22: the enrol listener turns a flood away, and serves again when it is over', async () => {
  await using world = await createSurroundings()
  const hub = await world.start({ args: ['--enrol-rate', '10'] })
  await untilReady(hub)
  const made = await hub.api.post<{ token: string }>('clusters/a/tokens')
  const { caPin } = parseJoinToken(made.token)
  const calls = await dialEnrolment(hub.enrolAddress, caPin)
  try {
    const begin = () => calls.begin(create(BeginRequestSchema, { tokenId: madeUp() }))
    const answers = await Promise.allSettled(Array.from({ length: 200 }, begin))
    const busy = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []))
    // Two seconds' worth for one address, and what came in while they were answered.
    assert(answers.length - busy.length <= 25, `${answers.length - busy.length} passed`)
    for (const error of busy) assert.equal((error as { code: string }).code, 'hub_busy')
    await until(begin, { deadlineMs: 5_000, what: 'a call to pass again' })
  } finally {
    calls.close()
  }
})

function madeUp(): string {
  return randomBytes(5).toString('hex')
}
