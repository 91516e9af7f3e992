import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { refuseNewAuthority } from '../../hub/fs.ts'
import { startHub } from '../support/hub-process.ts'
import { createTempDir } from '../support/temp-dir.ts'

test('a hub that becomes one of several does not begin with new keys beside those it has', async () => {
  await using temp = await createTempDir('authority')
  const [data, shared] = [join(temp.path, 'hub'), join(temp.path, 'shared')]
  await mkdir(join(data, 'ca'), { recursive: true })
  await assert.rejects(
    startHub({
      ...{ directory: temp.path, shared, fleetUrl: 'https://git.example/fleet.git' },
      args: ['--replica', 'one', '--redis', 'redis://127.0.0.1:1', '--peer-port', '1'],
    }),
    /shared has no certificate authority and [^ ]+hub has: move ca, keys and admin-token/,
  )
  assert.ok(!(await readdir(temp.path)).includes('shared'), 'nothing was made there')
})

test('a hub begins where nothing was, alone, and where the authority was brought along', async () => {
  await using temp = await createTempDir('authority')
  const [data, shared] = [join(temp.path, 'data'), join(temp.path, 'shared')]
  refuseNewAuthority(data, shared)
  await mkdir(join(data, 'ca'), { recursive: true })
  refuseNewAuthority(data, data)
  assert.throws(() => refuseNewAuthority(data, shared), { code: 'config_invalid' })
  // Who copied instead of moving goes on with what was copied.
  await mkdir(join(shared, 'ca'), { recursive: true })
  refuseNewAuthority(data, shared)
})
