import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PlannedGate, WebhookGate } from '../../../../../hub/rollout/gate/planned-gate.ts'
import { drive, good, plan, reports, wave } from '../world.ts'

const approval = { kind: 'approval', role: 'operator' } as const
const soak = { kind: 'soak', duration: 600_000 } as const
const webhook: WebhookGate = {
  kind: 'webhook',
  url: 'https://change.example/ask',
  credential: 'change',
  interval: 30_000,
  deadline: 100_000,
}
const at = (milliseconds: number) => new Date(milliseconds).toISOString()

/** One that stands, at time 0, at these gates before its second wave or after its first. */
function stand(side: 'before' | 'after', ...gates: PlannedGate[]) {
  const first = wave('canary', ['a'], side === 'after' ? { after: gates } : {})
  const second = wave('prod', ['z'], side === 'before' ? { before: gates } : {})
  const played = drive(plan([first, second]))
  played.act({ kind: 'start' })
  played.seen['a'] = reports(good, played.generation)
  played.look(0)
  return played
}

describe('a rollout that was planned', () => {
  it('says for which wave it waits, where no cluster of it could be given it', () => {
    const made = plan([wave('canary', []), wave('prod', ['z'])], { leftOut: 'canary' })
    const played = drive(made)
    played.look(0)
    assert.deepEqual(played.last.waitingFor, [
      'it waits until a cluster of wave canary can be given it, or nothing would prove it for the waves behind; `swell rollout begin ' +
        `${made.id}\` goes on without that wave`,
    ])
  })
})

describe('a rollout that waits in line', () => {
  // It named a command that is refused as long as the rollout before it is under way.
  it('says that it begins by itself', () => {
    const made = plan([wave('all', ['a'])], { supersede: 'queue', starts: true })
    const played = drive(made)
    played.look(0)
    assert.deepEqual(played.last.waitingFor, [
      'it waits in line, and begins by itself once the rollout before it has ended',
    ])
  })
})

describe('a cluster that soaks', () => {
  it('is said to be healthy only once it has said so since it came back', () => {
    const played = drive(plan([wave('canary', ['a'], { soak: 60_000 })]))
    played.act({ kind: 'start' })
    played.seen['a'] = reports(good, played.generation)
    played.look(0)
    assert.deepEqual(played.last.waitingFor, [`cluster a is healthy and soaks until ${at(60_000)}`])
    played.seen['a'] = { ...played.seen['a'], since: 10_000, unheard: true, application: null }
    played.look(10_000)
    assert.deepEqual(played.last.waitingFor, [
      'cluster a was healthy, and has not said how it is since it came back',
    ])
  })
})

describe('a rollout that is paused at a gate', () => {
  it('names the gate, and what it waits for once it goes on', () => {
    const played = stand('before', approval)
    played.act({ kind: 'pause' }, 1_000)
    assert.deepEqual(played.last.waitingFor, [
      'it is paused by alice: why, and stands at the gate before wave prod; somebody must resume, or roll back',
      'once it goes on, the gate before wave prod waits for an approval by the role operator; it can be given now',
    ])
  })

  it('names no gate that was opened meanwhile, by people or by time', () => {
    const played = stand('after', approval, soak)
    played.act({ kind: 'pause' }, 1_000)
    const soaks = `once it goes on, the gate after wave canary soaks until ${at(600_000)}`
    assert.deepEqual(played.last.waitingFor.slice(2), [soaks])
    played.act({ kind: 'approve', roles: ['operator'] }, 2_000)
    assert.deepEqual(played.last.waitingFor.slice(1), [soaks])
    played.look(600_000)
    const paused = 'it is paused by alice: why; somebody must resume, or roll back'
    assert.deepEqual(played.last.waitingFor, [paused])
    played.act({ kind: 'resume' }, 600_000)
    assert.equal(played.run.wave, 1)
  })

  it('says of a gate it came to while it was paused what is to come', () => {
    const played = drive(
      plan([wave('canary', ['a'], { after: [soak, webhook] }), wave('prod', ['z'])]),
    )
    played.act({ kind: 'start' })
    played.act({ kind: 'pause' })
    assert.equal(
      played.last.waitingFor[0],
      'it is paused by alice: why; somebody must resume, or roll back',
    )
    played.seen['a'] = reports(good, 1)
    played.look(1_000)
    assert.deepEqual(played.last.waitingFor.slice(1), [
      'once it goes on, the gate after wave canary soaks for 10m',
      'once it goes on, the gate after wave canary waits for the webhook https://change.example/ask: no answer yet',
    ])
  })

  it('says that a gate has run out of time meanwhile', () => {
    const played = stand('before', webhook)
    played.act({ kind: 'pause' }, 1_000)
    played.look(100_000)
    const [, foreseen] = played.last.waitingFor
    const words = 'the gate before wave prod has failed by the webhook https://change.example/ask:'
    assert.equal(foreseen, `once it goes on, ${words} not in time (no answer)`)
    played.act({ kind: 'resume' }, 100_000)
    assert.match(played.run.message, /failed a gate: .*: not in time \(no answer\)/)
  })

  it('by a gate that failed, it says so once, and what else it stands at', () => {
    const played = stand('before', webhook, approval)
    const answer = { kind: 'verdict', verdict: 'fail', message: 'frozen' } as const
    played.answer(answer, 1_000)
    const [paused, ...ahead] = played.last.waitingFor
    assert.match(
      paused!,
      /^it is paused: wave prod .* failed a gate: .*: frozen; somebody must retry/,
    )
    assert.deepEqual(ahead, [
      'once it goes on, the gate before wave prod waits for an approval by the role operator; it can be given now',
    ])
  })

  it('by a spent budget, it names no gate: the clusters that failed go first', () => {
    const played = drive(plan([wave('canary', ['a'], { after: [approval] }), wave('prod', ['z'])]))
    played.act({ kind: 'start' })
    played.seen['a'] = reports(good, played.generation, { phase: 'Failed', message: 'no image' })
    played.look(0)
    assert.equal(played.run.phase, 'Paused')
    assert.equal(played.last.waitingFor.length, 1)
    assert.match(played.last.waitingFor[0]!, /somebody must retry the failed clusters/)
  })
})
