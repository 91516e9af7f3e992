import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { HubError } from '../../hub/errors.ts'
import type { Credential } from '../../hub/source/credential.ts'
import { createMirror } from '../../hub/source/git.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { type GitSsh, startGitSsh } from '../support/git-ssh.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'

let temp: TempDir
let server: GitSsh
let repository: TestRepository
const never = new AbortController().signal

before(async () => {
  temp = await createTempDir('ssh source')
  server = await startGitSsh()
  repository = await server.createRepository('apps')
})

after(async () => {
  await server.stop()
  await temp.remove()
})

async function openMirror(name: string, credential?: Credential) {
  return createMirror(
    {
      name,
      url: server.url('apps'),
      ref: { branch: 'main' },
      timeout: 20_000,
      ...(credential ? { credential: 'key' } : {}),
    },
    {
      directory: join(temp.path, `${name}.git`),
      credential: () => credential,
    },
  )
}

function keyWith(knownHostsFile: string): Credential {
  return { kind: 'ssh', keyFile: server.identityFile, knownHostsFile }
}

test('follows a branch over SSH with a key and a known host', async () => {
  const head = await repository.commit({ 'a.yaml': 'a: 1\n' })
  const mirror = await openMirror('good', keyWith(server.knownHostsFile))
  assert.equal(await mirror.fetch(never), `main@sha1:${head}`)
  const { files } = await mirror.readTree(head, '.')
  assert.deepEqual(
    files.map((file) => file.path),
    ['a.yaml'],
  )
  await mirror.close()
})

test('a host key that is not known is refused', async () => {
  const empty = join(temp.path, 'known hosts of nobody')
  await writeFile(empty, '')
  const mirror = await openMirror('unknown', keyWith(empty))
  await assert.rejects(mirror.fetch(never), (error: HubError) => {
    assert.equal(error.code, 'source_refused')
    assert.match(error.message, /SSH host key is not in the known_hosts file/)
    return true
  })
  await mirror.close()
})

test('a known_hosts file is a must', async () => {
  const mirror = await openMirror('none', keyWith(join(temp.path, 'no-such-file')))
  await assert.rejects(mirror.fetch(never), /no-such-file cannot be read/)
  await mirror.close()
})

test('SSH without a key is refused before anything is asked', async () => {
  const mirror = await openMirror('keyless')
  await assert.rejects(mirror.fetch(never), /needs a `credential` with a key/)
  await mirror.close()
})
