import assert from 'node:assert/strict'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { parseGateCredentials } from '../../hub/rollout/measure/credential.ts'
import { createAsk } from '../../hub/rollout/measure/http.ts'
import { createMeasure } from '../../hub/rollout/measure/measure.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { drive, good, plan, reports, wave } from '../unit/hub/rollout/world.ts'

/* A webhook gate against a server that believes nothing it cannot verify. */

const secret = 'whsec-at-least-sixteen-bytes'
const tolerance = 5 * 60

interface Asked {
  readonly id: string
  readonly application: string
  readonly gate: string
  readonly verified: boolean
}

/** Somebody's change board: verifies as Standard Webhooks has it, and answers what it is told to. */
async function startBoard() {
  const asked: Asked[] = []
  let answer: { status: number; body: unknown } = { status: 200, body: { verdict: 'wait' } }
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const [id, time, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
      (name) => String(request.headers[name]),
    ) as [string, string, string]
    const mac = createHmac('sha256', secret).update(`${id}.${time}.${body}`).digest()
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64')
    const isFresh = Math.abs(Date.now() / 1_000 - Number(time)) < tolerance
    const verified = isFresh && given.length === mac.length && timingSafeEqual(given, mac)
    const event = JSON.parse(body) as { data: { application: string; gate: string } }
    const { application, gate } = event.data
    asked.push({ id, application, gate, verified })
    const { status, body: said } = verified ? answer : { status: 401, body: {} }
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(said))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ask`,
    say: (body: unknown, status = 200) => (answer = { status, body }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A rollout that waits at the gate, and what asks for it. */
async function world(board: { readonly url: string }, known = secret) {
  const directory = await createTempDir('board')
  const secretFile = `${directory.path}/secret`
  await writeFile(secretFile, `${known}\n`)
  const credentials = { board: { hosts: ['127.0.0.1'], secretFile } }
  const measure = createMeasure({
    ask: createAsk({ hosts: [], credentials: parseGateCredentials(credentials, 'gates.yaml') }),
    facts: () => {
      throw new Error('no facts are asked for')
    },
    within: (work) => work(),
    clock: () => Date.now(),
  })
  const gate = { kind: 'webhook', url: board.url, credential: 'board', interval: 1_000 } as const
  const planned = plan([wave('one', ['a'], { after: [gate] }), wave('two', ['b'])])
  const rollout = drive(planned)
  rollout.act({ kind: 'start' })
  rollout.seen['a'] = reports(good, rollout.generation)
  rollout.look(0)
  return {
    rollout,
    /** Asks what is asked now, and brings the answer back. */
    async ask(now: number) {
      rollout.look(now)
      const [measurement] = rollout.last.measurements
      assert.ok(measurement, 'nothing is asked')
      const signal = AbortSignal.timeout(20_000)
      const answer = await measure(planned, measurement, signal)
      rollout.answer(answer, now)
      return answer
    },
    [Symbol.asyncDispose]: () => directory.remove(),
  }
}

describe('a webhook gate, asked of a server that verifies', () => {
  it('waits, then goes on by its word, and asks the same question under one id', async () => {
    await using board = await startBoard()
    await using it = await world(board)
    board.say({ verdict: 'wait', reason: 'the board meets at nine' })
    await it.ask(0)
    assert.match(it.rollout.last.waitingFor.join(), /the board meets at nine/)
    board.say({ verdict: 'pass', reason: 'CHG-1 is approved' })
    await it.ask(2_000)
    assert.equal(it.rollout.run.wave, 1)
    assert.deepEqual(
      board.asked.map(({ application, gate, verified }) => [application, gate, verified]),
      [
        ['shop', '0/after/0', true],
        ['shop', '0/after/0', true],
      ],
    )
    assert.equal(new Set(board.asked.map(({ id }) => id)).size, 1)
  })

  it('stops by its word, with its reason', async () => {
    await using board = await startBoard()
    await using it = await world(board)
    board.say({ verdict: 'fail', reason: 'an incident is open' })
    await it.ask(0)
    assert.equal(it.rollout.run.phase, 'Paused')
    assert.match(it.rollout.run.message, /an incident is open/)
  })

  it('decides nothing by a wrong secret, a fault of the server, or words that are no verdict', async () => {
    await using board = await startBoard()
    await using wrong = await world(board, 'another-secret-of-some-length')
    board.say({ verdict: 'pass' })
    assert.deepEqual(await wrong.ask(0), {
      kind: 'unanswered',
      message: 'the webhook answered with status 401',
    })
    assert.equal(board.asked[0]?.verified, false)
    await using it = await world(board)
    for (const [body, status] of [
      [{ verdict: 'pass' }, 500],
      [{ verdict: 'yes' }, 200],
      ['pass', 200],
    ] as const) {
      board.say(body, status)
      assert.equal((await it.ask(it.rollout.generation * 2_000)).kind, 'unanswered')
      assert.equal(it.rollout.run.wave, 0)
    }
  })
})
