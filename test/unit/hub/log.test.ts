import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createLog, leaveOut } from '../../../hub/log.ts'
import { createLogTail } from '../../../hub/log-tail.ts'

it('a log leaves out the lines about an error that is told elsewhere, and nothing else', () => {
  const tail = createLogTail()
  const told = new Error('OOM')
  const log = leaveOut(createLog('info', tail), (error) => error === told)
  log.warn({ err: told }, 'statuses were not saved')
  log.info('one')
  log.warn({ err: new Error('other') }, 'two')
  log.error({ cluster: 'a' }, 'three')
  log.debug({ err: new Error('other') }, 'below the level')
  const lines = tail.lines().map((line) => (JSON.parse(line) as { msg: string }).msg)
  assert.deepEqual(lines, ['one', 'two', 'three'])
})
