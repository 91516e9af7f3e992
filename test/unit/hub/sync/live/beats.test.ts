import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { keepalive } from '@groundswell/proto/keepalive.ts'
import { createBeats } from '../../../../../hub/sync/live/beats.ts'
import { boundPulse } from '../../../../../hub/sync/live/pulse.ts'

const bounds = boundPulse(20, keepalive)

/** Streams by name, under a clock that stands until it is moved, look by look. */
function world({
  answers = () => true,
  asks = true,
}: { answers?: () => boolean; asks?: boolean } = {}) {
  let now = 0
  let look: (() => void) | undefined
  const told: string[] = []
  const asked: string[] = []
  const ended: string[] = []
  const deaf = new Set<string>()
  const full = new Set<string>()
  const answersOf = new Map<string, () => void>()
  const beats = createBeats<string>({
    bounds,
    monotonic: () => now,
    every(ms, run) {
      assert.equal(ms, bounds.lookMs)
      assert.equal(look, undefined, 'one timer for all streams')
      look = run
      return () => (look = undefined)
    },
    isListening: (call) => !deaf.has(call),
    isDrained: (call) => !full.has(call),
    tell: (calls) => void told.push(...calls.map((call) => `${call} ${now}`)),
    ask(call, onAnswer) {
      if (!asks) return false
      asked.push(`${call} ${now}`)
      answersOf.set(call, onAnswer)
      if (answers()) onAnswer()
      return true
    },
    lose: (call) => void ended.push(`lost ${call} ${now}`),
    giveUp: (call) => void ended.push(`silent ${call} ${now}`),
  })
  return {
    ...{ beats, told, asked, ended, deaf, full, answersOf },
    /** Nothing runs for so long. */
    stop: (ms: number) => void (now += ms),
    isLooking: () => look !== undefined,
    pass(ms: number, each: () => void = () => {}) {
      for (const end = now + ms; now < end;) {
        now += bounds.lookMs
        look?.()
        each()
      }
    },
  }
}

describe('heartbeats', () => {
  test('are told all that are due at once, and no PING is sent where they are answered', () => {
    const { beats, told, asked, ended, pass } = world()
    const heard = ['a', 'b', 'c'].map((call) => beats.watch(call))
    pass(120_000, () => {
      if (told.length > 0) for (const one of heard) one()
    })
    const times = [...new Set(told.map((line) => line.split(' ')[1]))]
    assert.deepEqual(times, ['17000', '34000', '51000', '68000', '85000', '102000', '119000'])
    assert.equal(told.length, 3 * times.length)
    assert.deepEqual([asked, ended], [[], []])
  })

  test('F20: a connection without a sign is asked for one, and given up within half a minute', () => {
    const { beats, asked, ended, isLooking, pass } = world({ answers: () => false })
    beats.watch('a')
    pass(60_000)
    assert.deepEqual(asked, ['a 19000'])
    assert.deepEqual(ended, ['lost a 28000'])
    assert.equal(isLooking(), false, 'nobody is left to look at')
  })

  test('F20: whatever was heard last, half a minute is what a dead connection takes', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 18 }), { maxLength: 8 }), (waits) => {
        const { beats, ended, pass } = world({ answers: () => false })
        const heard = beats.watch('a')
        for (const seconds of waits) {
          pass(seconds * 1000)
          heard()
        }
        assert.deepEqual(ended, [])
        pass(keepalive.everyMs + keepalive.answerMs)
        assert.equal(ended.length, 1)
      }),
    )
  })

  test('an agent that is silent for three of them is given up, though its connection answers', () => {
    const { beats, asked, ended, pass } = world()
    beats.watch('a')
    pass(90_000)
    assert.deepEqual(ended, ['silent a 61000'])
    assert.deepEqual(asked, ['a 19000', 'a 38000', 'a 57000'])
  })

  test('it is not the agent that is silent while nobody listens', () => {
    const { beats, ended, deaf, pass } = world()
    const heard = beats.watch('a')
    deaf.add('a')
    pass(90_000)
    deaf.clear()
    heard()
    pass(60_000)
    assert.deepEqual(ended, [])
  })

  test('a hub that was stopped for a while takes in what came before it judges anybody', () => {
    const { beats, ended, stop, pass } = world({ answers: () => false })
    const [alive, gone] = [beats.watch('alive'), beats.watch('gone')]
    pass(15_000)
    for (const heard of [alive, gone]) heard()
    stop(90_000)
    pass(1_000)
    assert.deepEqual(ended, [])
    alive()
    pass(1_000)
    assert.deepEqual(ended, ['silent gone 107000'])
  })

  test('a peer that takes nothing is told nothing more', () => {
    const { beats, told, full, pass } = world()
    const heard = beats.watch('a')
    full.add('a')
    pass(50_000, heard)
    assert.deepEqual(told, [])
    full.clear()
    pass(1_000, heard)
    assert.deepEqual(told, ['a 51000'])
  })

  test('a stream by way of another replica is not asked: that one watches the connection', () => {
    const { beats, ended, pass } = world({ asks: false })
    beats.watch('a')
    pass(60_000)
    assert.deepEqual(ended, [])
    pass(1_000)
    assert.deepEqual(ended, ['silent a 61000'])
  })

  test('what is said while an answer is waited for is one', () => {
    const { beats, asked, ended, pass } = world({ answers: () => false })
    const heard = beats.watch('a')
    pass(20_000)
    assert.equal(asked.length, 1)
    heard()
    pass(18_000)
    assert.deepEqual(ended, [])
  })

  test('a stream that has ended is looked at no more', () => {
    const { beats, told, isLooking, pass } = world()
    beats.watch('a')
    beats.forget('a')
    beats.forget('a')
    assert.equal(isLooking(), false)
    beats.watch('b')
    pass(17_000)
    assert.deepEqual(told, ['b 17000'])
  })
})
