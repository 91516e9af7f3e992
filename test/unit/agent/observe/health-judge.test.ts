import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TimeBound } from '@groundswell/proto/cel.ts'
import type { HealthCheck } from '@groundswell/proto/health-check.ts'
import type { LiveObject } from '../../../../agent/cluster/port.ts'
import { createHealthJudge } from '../../../../agent/observe/health-judge.ts'

const run: TimeBound = (run) => run()
const widget = (status?: object, metadata: object = {}): LiveObject => ({
  apiVersion: 'example.com/v2',
  kind: 'Widget',
  metadata: { name: 'w', generation: 2, ...metadata },
  ...(status && { status }),
})
const check: HealthCheck = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  inProgress: 'has(status.phase) && status.phase == "Making"',
  failed: 'has(status.phase) && status.phase == "Broken"',
  current: 'has(status.phase) && status.phase == "Done"',
}
const judge = createHealthJudge(run)
const seen = (object: LiveObject, checks = [check]) => judge(object, checks, 0).seen

describe('createHealthJudge', () => {
  it('asks in progress, failed, current, whatever version the object has', () => {
    assert.equal(seen(widget({ phase: 'Making' })).health, 'InProgress')
    assert.equal(seen(widget({ phase: 'Broken' })).health, 'Failed')
    assert.deepEqual(seen(widget({ phase: 'Done' })), { health: 'Current', message: '' })
  })

  it('takes what no expression says for in progress', () => {
    const words = 'none of its healthCheckExprs holds'
    assert.deepEqual(seen(widget()), { health: 'InProgress', message: words })
  })

  it('goes by the expressions alone: kstatus would call these otherwise', () => {
    const conditions = [{ type: 'Ready', status: 'False', message: 'not me' }]
    const done = { phase: 'Done', conditions, observedGeneration: 1 }
    assert.equal(seen(widget(done)).health, 'Current')
    assert.equal(seen(widget({ phase: 'Broken', conditions })).message, 'not me')
    assert.equal(judge(widget({ phase: 'Broken', conditions }), [check], 0).gate.health, 'Failed')
  })

  it('leaves other kinds, groups and objects on their way out to kstatus', () => {
    const broken = { phase: 'Broken' }
    const other = { ...widget(broken), apiVersion: 'other.com/v1' }
    assert.equal(seen(other).health, 'Current')
    assert.equal(judge(widget(broken), undefined, 0).seen.health, 'Current')
    const leaving = widget(broken, { deletionTimestamp: '2026-01-01T00:00:00Z' })
    assert.equal(seen(leaving).health, 'Terminating')
  })

  it('calls an object Unknown whose expression comes to no answer, and says why', () => {
    const checks = [{ ...check, failed: 'status.gone.deeper == 1' }]
    const { health, message } = seen(widget({ phase: 'Done' }), checks)
    assert.equal(health, 'Unknown')
    assert.match(message, /^healthCheckExprs, failed: No such key: gone$/)
  })

  it('does not try for a minute again what was broken off', () => {
    let tries = 0
    const late: TimeBound = () => {
      tries += 1
      throw new Error('timed out after 50ms')
    }
    const judge = createHealthJudge(late)
    const at = (now: number) => judge(widget({ phase: 'Done' }), [check], now).seen
    assert.match(at(0).message, /timed out after 50ms/)
    assert.equal(at(59_999).health, 'Unknown')
    assert.equal(tries, 1)
    assert.equal(at(60_001).health, 'Unknown')
    assert.equal(tries, 2)
  })

  it('keeps the data of a Secret from expressions and their words (I10)', () => {
    const secret: LiveObject = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { password: 'Y2FuYXJ5' },
    }
    const checks = [{ apiVersion: 'v1', kind: 'Secret', current: 'int(data.password) == 1' }]
    const verdict = seen(secret, checks)
    assert.equal(verdict.health, 'Unknown')
    assert.doesNotMatch(verdict.message, /Y2FuYXJ5/)
    const whole = [{ apiVersion: 'v1', kind: 'Secret', current: 'int(self.data.password) == 1' }]
    assert.doesNotMatch(seen(secret, whole).message, /Y2FuYXJ5/)
  })
})
