import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFile, readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { lockDirectory } from '@groundswell/proto/fs.ts'
import { startProcess } from '../support/process.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const module = fileURLToPath(new URL('../../proto/fs.ts', import.meta.url))

/** A process that claims a directory, says how it went, and stays. */
function startContender(directory: string, logs: string, name: string) {
  const script = `import { lockDirectory } from ${JSON.stringify(module)}
const lock = await lockDirectory(${JSON.stringify(directory)})
process.stdout.write(lock.held ? 'held\\n' : 'owner ' + lock.owner + '\\n')
setInterval(() => {}, 1000)`
  return startProcess(process.execPath, ['--input-type=module', '-e', script], {
    name,
    logFile: join(logs, `${name}.log`),
  })
}

/** The claim on removing just that one. */
function removalOf(path: string, stale: string): string {
  return `${path}.${createHash('sha256').update(stale).digest('hex').slice(0, 16)}`
}

describe('a lock on a directory', () => {
  it('is held by one of many that come at once, over a stale claim, and names it', async () => {
    await using directory = await createTempDir('lock')
    await using logs = await createTempDir('lock-logs')
    // A process of this number started at another time.
    await writeFile(join(directory.path, 'lock'), `${process.pid} 1\n`)
    const contenders = Array.from({ length: 8 }, (_, at) =>
      startContender(directory.path, logs.path, `contender-${at}`),
    )
    try {
      await until(() => contenders.every((one) => /\n/.test(one.readLog())), {
        deadlineMs: 60_000,
        what: 'all to have their answer',
      })
      const holders = contenders.filter((one) => one.readLog() === 'held\n')
      assert.equal(holders.length, 1, contenders.map((one) => one.readLog()).join(''))
      const told = contenders.filter((one) => one.readLog() === `owner ${holders[0]!.pid}\n`)
      assert.equal(told.length, contenders.length - 1)
      assert.deepEqual(await readdir(directory.path), ['lock'])

      await holders[0]!.kill()
      const lock = await lockDirectory(directory.path)
      assert(lock.held, 'taken over from one that was killed')
      await lock.release()
      assert.deepEqual(await readdir(directory.path), [])
    } finally {
      await Promise.all(contenders.map((one) => one.kill()))
    }
  })

  it('is taken over although whoever began to remove a stale claim was killed on the way', async () => {
    await using directory = await createTempDir('lock')
    const path = join(directory.path, 'lock')
    const [stale, removing] = [`${process.pid} 1\n`, `${process.pid} 2\n`]
    await writeFile(path, stale)
    await writeFile(removalOf(path, stale), removing)
    const lock = await lockDirectory(directory.path)
    assert(lock.held)
    await lock.release()
    assert.deepEqual(await readdir(directory.path), [])
  })

  it('of somebody who came meanwhile is left, though what was there before was stale', async () => {
    await using directory = await createTempDir('lock')
    await using logs = await createTempDir('lock-logs')
    const path = join(directory.path, 'lock')
    const stale = `${process.pid} 1\n`
    await writeFile(path, stale)
    // Somebody who lives removes it, and takes his time.
    const removal = removalOf(path, stale)
    const first = await lockDirectory(join(directory.path, 'another'))
    assert(first.held)
    await copyFile(join(directory.path, 'another', 'lock'), removal)
    const contender = startContender(directory.path, logs.path, 'contender')
    try {
      await until(
        async () =>
          (await readdir(directory.path)).some((name) => name.startsWith(`lock.${contender.pid}`)),
        {
          deadlineMs: 20_000,
          what: 'the contender to come',
        },
      )
      const text = await readFile(removal, 'utf8')
      await rename(removal, path)
      await until(() => /\n/.test(contender.readLog()), { deadlineMs: 20_000, what: 'its answer' })
      assert.equal(contender.readLog(), `owner ${process.pid}\n`)
      assert.equal(await readFile(path, 'utf8'), text)
    } finally {
      await contender.kill()
    }
  })

  it('claimed again by its own process, it is still taken; released, it is free', async () => {
    await using directory = await createTempDir('lock')
    const first = await lockDirectory(directory.path)
    assert(first.held)
    assert.deepEqual(await lockDirectory(directory.path), { held: false, owner: process.pid })
    await first.release()
    const again = await lockDirectory(directory.path)
    assert(again.held)
  })
})
