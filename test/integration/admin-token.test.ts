import assert from 'node:assert/strict'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadAdminToken } from '../../hub/api/fs.ts'
import { createTempDir } from '../support/temp-dir.ts'

describe("the administrator's first token", () => {
  it('is told when it is made, and never again', async () => {
    await using directory = await createTempDir('admin')
    const told: string[] = []
    const load = () => loadAdminToken(directory.path, (token) => told.push(token))
    const token = await load()
    assert.match(token, /^[\w-]{32}$/)
    assert.deepEqual(told, [token])
    assert.equal(await load(), token)
    assert.deepEqual(told, [token], 'a restart says nothing')
    const path = join(directory.path, 'admin-token')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal(await readFile(path, 'utf8'), `${token}\n`)
  })

  it('is another once its file is taken away, or holds nothing', async () => {
    await using directory = await createTempDir('admin')
    const told: string[] = []
    const load = () => loadAdminToken(directory.path, (token) => told.push(token))
    const path = join(directory.path, 'admin-token')
    const first = await load()
    await rm(path)
    const second = await load()
    await writeFile(path, ' \n')
    const third = await load()
    assert.equal(new Set([first, second, third]).size, 3)
    assert.deepEqual(told, [first, second, third])
  })
})
