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

// A request was written whole, with the secrets in its headers.
it('what is left out of a log is left out of its children, which keep their serializers', () => {
  const tail = createLogTail()
  const told = new Error('OOM')
  const log = leaveOut(createLog('info', tail), (error) => error === told)
  const child = log.child({ id: 'r-1' }, { serializers: { request: () => 'GET /' } })
  child.info({ request: { headers: { cookie: 'sesame' } } }, 'asked')
  child.warn({ err: told }, 'statuses were not saved')
  const lines = tail.lines().map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    lines.map(({ msg, id, request }) => ({ msg, id, request })),
    [{ msg: 'asked', id: 'r-1', request: 'GET /' }],
  )
})
