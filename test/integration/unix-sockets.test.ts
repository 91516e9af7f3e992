import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, stat, symlink, writeFile } from 'node:fs/promises'
import { type Server, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createAnswerer } from '../../hub/roles/answerer.ts'
import { type Connection, dialUnix, listenUnix } from '../../hub/roles/unix.ts'
import { startProcess } from '../support/process.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const silent = () => ({ onFrame() {}, onClose() {} })
const at = (directory: string, frameBytes = 1_024) => ({ directory, file: 's.sock', frameBytes })

describe('a socket between roles', () => {
  it('is for its owner alone, and carries frames of any cut', async () => {
    await using temp = await createTempDir('unix')
    const place = at(join(temp.path, 'deep', 'sign'), 1024 * 1024)
    const got: number[] = []
    const listener = await listenUnix(place, (connection) => ({
      onFrame: (frame) => connection.send(frame),
      onClose() {},
    }))
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
    assert.deepEqual([await mode(place.directory), await mode(listener.path)], ['700', '600'])
    const sizes = [0, 1, 65_536, 1024 * 1024]
    await dialUnix(place, (connection) => {
      for (const size of sizes) connection.send(Buffer.alloc(size, 'x'))
      return { onFrame: (frame) => void got.push(frame.byteLength), onClose() {} }
    })
    await until(() => got.length === sizes.length, { deadlineMs: 5_000, what: 'the echo' })
    assert.deepEqual(got, sizes)
    await listener.close()
    await assert.rejects(stat(listener.path), { code: 'ENOENT' })
  })

  it('may be for a group, which its directory says; never for others', async () => {
    await using temp = await createTempDir('unix')
    const place = at(join(temp.path, 'sign'))
    await mkdir(place.directory)
    await chmod(place.directory, 0o750)
    const listener = await listenUnix(place, silent)
    assert.equal((await stat(listener.path)).mode & 0o777, 0o660)
    await listener.close()
    for (const mode of [0o755, 0o701, 0o770, 0o777, 0o1777]) {
      await chmod(place.directory, mode)
      for (const open of [listenUnix, dialUnix]) {
        const refused = open(place, silent)
        await assert.rejects(refused, { code: 'config_invalid', message: /open to others/ })
      }
    }
    const link = at(join(temp.path, 'link'))
    await symlink(place.directory, link.directory)
    await assert.rejects(listenUnix(link, silent), { message: /not a directory/ })
  })

  it('of a process that is gone is replaced; a live one is refused by name', async () => {
    await using temp = await createTempDir('unix')
    const place = at(join(temp.path, 'sign'))
    await mkdir(place.directory, { mode: 0o700 })
    const path = join(place.directory, 's.sock')
    const program = `require('node:net').createServer().listen(${JSON.stringify(path)})`
    const other = startProcess(process.execPath, ['-e', program], {
      name: 'other',
      logFile: join(temp.path, 'other.log'),
    })
    await until(() => stat(path), { deadlineMs: 10_000, what: 'its socket' })
    await assert.rejects(listenUnix(place, silent), {
      code: 'config_invalid',
      message: /another process listens on .*s\.sock/,
    })
    await other.kill()
    assert.ok((await stat(path)).isSocket())
    const listener = await listenUnix(place, silent)
    await listener.close()
    await writeFile(path, 'mine')
    await assert.rejects(listenUnix(place, silent), { message: /not a socket; remove it/ })
  })

  it('that has too long a name is refused with the reason', async () => {
    await using temp = await createTempDir('unix')
    const place = at(join(temp.path, 'x'.repeat(100)))
    await assert.rejects(listenUnix(place, silent), { message: /longer than 107 bytes/ })
  })

  it('T8: ends at a frame over its bound before it is held, and at one that is no question', async () => {
    await using temp = await createTempDir('unix')
    const place = at(join(temp.path, 'sign'))
    const faults: unknown[] = []
    const answerer = createAnswerer({
      ...{ socket: 'sign' as const, fleet: 'f', methods: {}, atOnce: 4 },
      onFault: (_, cause) => void faults.push(cause),
    })
    const listener = await listenUnix(place, answerer.accept)
    for (const frame of [Buffer.alloc(1_025), Buffer.from('{"id":1')]) {
      const closed = Promise.withResolvers<void>()
      await dialUnix(place, (connection) => {
        connection.send(frame)
        return { onFrame() {}, onClose: () => closed.resolve() }
      })
      await closed.promise
    }
    assert.match(String(faults[0]), /1025 bytes is over 1024/)
    assert.equal(faults.length, 2)
    await listener.close()
  })

  it('does not read from one who does not read, and holds a bounded amount for them', async () => {
    await using temp = await createTempDir('unix')
    const place = at(join(temp.path, 'sign'), 1024 * 1024)
    const answer = Buffer.alloc(1024 * 1024, 'x')
    let asked = 0
    let end: Connection | undefined
    const listener = await listenUnix(place, (connection) => {
      end = connection
      return {
        onFrame() {
          asked += 1
          connection.send(answer)
        },
        onClose() {},
      }
    })
    await dialUnix(place, (connection) => {
      connection.pause()
      for (let n = 0; n < 400; n += 1) connection.send(Buffer.alloc(32 * 1024))
      return silent()
    })
    let before = -1
    await until(() => (asked > 60 && asked === before) || void (before = asked), {
      deadlineMs: 10_000,
      intervalMs: 300,
      what: 'reading to stop',
    })
    assert.ok(asked < 100, `${asked} questions were read`)
    assert.ok(end!.unsent() < 80 * 1024 * 1024)
    await listener.close()
  })
})

it('a listener that was there before is not disturbed by one that may not start', async () => {
  await using temp = await createTempDir('unix')
  const place = at(temp.path)
  await chmod(temp.path, 0o700)
  const first: Server = createServer()
  first.listen(join(temp.path, place.file))
  await once(first, 'listening')
  await assert.rejects(listenUnix(place, silent), { code: 'config_invalid' })
  let mine: Connection | undefined
  await dialUnix(place, (connection) => {
    mine = connection
    return silent()
  })
  mine!.close()
  first.close()
})
