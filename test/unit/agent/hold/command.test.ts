import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseHoldCommand, sayHold } from '../../../../agent/hold/command.ts'

const now = Date.parse('2026-05-01T00:00:00Z')
const parse = (...words: string[]) => parseHoldCommand(words, now)

describe('agent hold', () => {
  it('takes an end, a reason and applications, and leaves settings alone', () => {
    const { command, settings } = parse(
      ...['shop', '--until', '90m', '--reason=moving racks', '--refuse', 'web', '--data', '/d'],
    )
    assert.ok(command.kind === 'set')
    assert.deepEqual(command.members, {
      until: '2026-05-01T01:30:00.000Z',
      reason: 'moving racks',
      mode: 'refuse',
      applications: 'shop web',
    })
    assert.deepEqual(settings, ['--data', '/d'])
    assert.equal(
      sayHold(command, '/d/hold.json'),
      'updates of shop, web are refused until 2026-05-01T01:30:00.000Z, by /d/hold.json: moving racks\n',
    )
  })

  it('releases', () => {
    assert.deepEqual(parse('--release').command, { kind: 'release' })
  })

  it('refuses what it would not mean', () => {
    const refused = { code: 'config_invalid' }
    assert.throws(() => parse('--until'), refused)
    assert.throws(() => parse('--until', 'noon'), refused)
    assert.throws(() => parse('--until', '2026-04-30T00:00:00Z'), refused)
    assert.throws(() => parse('--release', 'shop'), refused)
    assert.throws(() => parse('Shop'), refused)
  })
})
