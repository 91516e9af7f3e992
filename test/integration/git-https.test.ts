import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Credential } from '../../hub/source/credential.ts'
import { createMirror, type MirrorOptions } from '../../hub/source/git.ts'
import { createIssuer, signLeaf } from '../support/certificates.ts'
import type { TestRepository } from '../support/git-repository.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { fetchCommit, never, password, rejectsWith } from '../support/mirror-world.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'

let temp: TempDir
let server: GitServer
let repository: TestRepository
let files: Extract<Credential, { kind: 'basic' }>
let count = 0

before(async () => {
  temp = await createTempDir('https source')
  const issuer = await createIssuer('CN=git test authority')
  const tls = await signLeaf(issuer, 'git', { names: [{ type: 'ip', value: '127.0.0.1' }] })
  server = await startGitServer({ basicAuth: { user: 'git', password }, tls })
  repository = await server.createRepository('apps')
  await writeFile(join(temp.path, 'ca.pem'), issuer.certificate.toString('pem'))
  await writeFile(join(temp.path, 'password'), `${password}\n`)
  files = {
    kind: 'basic',
    hosts: ['127.0.0.1'],
    passwordFile: join(temp.path, 'password'),
    caFile: join(temp.path, 'ca.pem'),
  }
})

after(async () => {
  await server.stop()
  await temp.remove()
})

async function openMirror(credential: Credential, options: Partial<MirrorOptions> = {}) {
  count += 1
  const directory = join(temp.path, `m${count}.git`)
  const mirror = await createMirror(
    {
      name: 'apps',
      url: server.url('apps'),
      ref: { branch: 'main' },
      timeout: 20_000,
      credential: 'key',
    },
    { directory, credential: () => credential, ...options },
  )
  return { ...mirror, directory }
}

test('follows a branch over HTTPS with a CA of its own', async () => {
  const mirror = await openMirror(files)
  assert.equal(await fetchCommit(mirror), await repository.readHead())
  await mirror.close()
})

test('a certificate that nobody known signed is refused', async () => {
  const mirror = await openMirror({ kind: 'basic', passwordFile: files.passwordFile! })
  await rejectsWith(mirror.fetch(never), 'source_refused', /TLS certificate is not trusted/)
  await mirror.close()
})

test('a Secret is as good as files, used as it is at each fetch, and leaves nothing behind', async () => {
  const secret = { namespace: 'groundswell', name: 'git' }
  const members = new Map([['password', Buffer.from('old')]])
  const asked: unknown[] = []
  const mirror = await openMirror(
    { kind: 'basic', hosts: ['127.0.0.1'], secret },
    {
      readSecret: async (name) => {
        asked.push(name)
        return members
      },
    },
  )
  await rejectsWith(mirror.fetch(never), 'source_refused', /TLS certificate is not trusted/)
  members.set('ca.crt', await readFile(files.caFile!))
  await rejectsWith(mirror.fetch(never), 'source_refused', /refused the credential/)
  members.set('password', Buffer.from(password))
  assert.equal(await fetchCommit(mirror), await repository.readHead())
  assert.deepEqual(asked, [secret, secret, secret])
  const left = await readdir(mirror.directory)
  assert.deepEqual(
    left.filter((name) => name.startsWith('access-')),
    [],
  )
  members.delete('password')
  members.delete('ca.crt')
  const words = /Secret groundswell\/git has no `password`/
  await rejectsWith(mirror.fetch(never), 'source_refused', words)
  await mirror.close()
})

test('a fetch that brings more than it may is stopped, and leaves no half pack', async () => {
  const noise = Array.from(
    { length: 150 },
    (_, at) => [`${at}.txt`, randomBytes(75_000).toString('base64')] as const,
  )
  await repository.commit(Object.fromEntries(noise), 'Much', 'much')
  const mirror = await openMirror(files, { fetchBytes: 500_000 })
  assert.equal(await fetchCommit(mirror), await repository.readHead())
  const other = await createMirror(
    {
      name: 'apps',
      url: server.url('apps'),
      ref: { branch: 'much' },
      timeout: 60_000,
      credential: 'key',
    },
    { directory: mirror.directory, credential: () => files, fetchBytes: 500_000 },
  )
  await rejectsWith(other.fetch(never), 'source_refused', /one fetch brings more than 500000 bytes/)
  const packs = await readdir(join(mirror.directory, 'objects/pack'))
  assert.deepEqual(
    packs.filter((name) => name.startsWith('tmp_')),
    [],
  )
  await mirror.close()
  await other.close()
})
