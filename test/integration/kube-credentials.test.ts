import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { HubError } from '../../hub/errors.ts'
import type { Credential } from '../../hub/source/credential.ts'
import { createMirror } from '../../hub/source/git.ts'
import { readSecret } from '../../hub/source/secret/http.ts'
import { readKubeAccess } from '../../hub/source/secret/kubeconfig.ts'
import { type ControlPlane, formatKubeconfig, startControlPlane } from '../support/control-plane.ts'
import { type GitSsh, startGitSsh } from '../support/git-ssh.ts'
import { createSshHand } from '../support/git-signing.ts'
import { kubeCall } from '../support/kube-request.ts'
import { never, rejectsWith } from '../support/mirror-world.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

let plane: ControlPlane
let server: GitSsh
let temp: TempDir
const folder = '/api/v1/namespaces/default/secrets'

before(async () => {
  plane = await startControlPlane({ name: 'kube-credentials' })
  server = await startGitSsh()
  temp = await createTempDir('kube credentials')
  await until(() => kubeCall(plane, 'GET', '/api/v1/namespaces/default'), {
    deadlineMs: 10_000,
    what: 'the default namespace',
  })
})

after(async () => {
  await server.stop()
  await plane.stop()
  await temp.remove()
})

const read = async (name: string) =>
  readSecret(await readKubeAccess(plane.kubeconfig), { namespace: 'default', name }, never)

async function put(name: string, data: Readonly<Record<string, Buffer>>): Promise<void> {
  const members = Object.entries(data).map(([key, bytes]) => [key, bytes.toString('base64')])
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name } }
  const body = { ...secret, data: Object.fromEntries(members) as Record<string, string> }
  await kubeCall(plane, 'APPLY', `${folder}/${name}?fieldManager=ops`, body)
}

test('a deploy key of a Secret opens a repository, and a rotated one does at the next fetch', async () => {
  const repository = await server.createRepository('apps')
  const credential: Credential = {
    kind: 'ssh',
    secret: { namespace: 'default', name: 'deploy-key' },
  }
  const directory = join(temp.path, 'apps.git')
  const mirror = await createMirror(
    {
      ...{ name: 'apps', url: server.url('apps'), ref: { branch: 'main' } },
      ...{ timeout: 20_000, credential: 'key' },
    },
    {
      directory,
      credential: () => credential,
      readSecret: async (name, signal) =>
        readSecret(await readKubeAccess(plane.kubeconfig), name, signal),
    },
  )
  await rejectsWith(
    mirror.fetch(never),
    'source_refused',
    /Secret default\/deploy-key does not exist/,
  )

  const known = await readFile(server.knownHostsFile)
  await createSshHand(temp.path, 'stranger')
  const stranger = await readFile(join(temp.path, 'stranger'))
  await put('deploy-key', { 'ssh-privatekey': stranger })
  await rejectsWith(mirror.fetch(never), 'source_refused', /has no `known_hosts`/)
  await put('deploy-key', { 'ssh-privatekey': stranger, known_hosts: known })
  await rejectsWith(mirror.fetch(never), 'source_refused', /the server refused the credential/)

  const right = await readFile(server.identityFile)
  await put('deploy-key', { 'ssh-privatekey': right, known_hosts: known })
  const head = await repository.readHead()
  assert.equal(await mirror.fetch(never), `main@sha1:${head}`)

  // Nothing of the key is left in the mirror.
  const secret = right.toString().split('\n')[2]!
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const bytes = await readFile(join(entry.parentPath, entry.name), 'latin1')
    assert.ok(!bytes.includes(secret), entry.name)
  }
  await mirror.close()
})

test('a Secret that may not be read is told by name, and what it holds never', async () => {
  await put('private', { password: Buffer.from('correct horse') })
  assert.deepEqual([...(await read('private')).keys()], ['password'])
  const file = join(temp.path, 'stranger.kubeconfig')
  await writeFile(file, formatKubeconfig('stranger', { ...plane, token: 'nobody' }))
  await rejectsWith(
    readSecret(await readKubeAccess(file), { namespace: 'default', name: 'private' }, never),
    'source_refused',
    /the hub may not read Secret default\/private; allow it to `get` it/,
  )
})

test('an API server that is away is unreachable, not refused', async () => {
  await rejectsWith(
    readSecret({ server: 'https://127.0.0.1:1' }, { namespace: 'a', name: 'b' }, never),
    'source_unreachable',
    /Secret a\/b cannot be read/,
  )
})

test('B86: a kubeconfig that runs a command or trusts anybody is refused', async () => {
  const good = JSON.parse(await readFile(plane.kubeconfig, 'utf8')) as {
    clusters: { cluster: object }[]
    users: { user: object }[]
  }
  const file = join(temp.path, 'bad.kubeconfig')
  const marker = join(temp.path, 'ran')
  const rows: [object, object, RegExp][] = [
    [
      {},
      { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'touch', args: [marker] } },
      /runs a command for its user/,
    ],
    [
      {},
      { 'auth-provider': { name: 'gcp', config: { 'cmd-path': 'touch', 'cmd-args': marker } } },
      /runs a command for its user/,
    ],
    [{ 'insecure-skip-tls-verify': true }, {}, /does not check the server's certificate/],
    [{ server: 'http://127.0.0.1:1' }, {}, /does not check the server's certificate/],
  ]
  for (const [cluster, user, words] of rows) {
    const [first, one] = [good.clusters[0]!, good.users[0]!]
    const bad = {
      ...good,
      clusters: [{ ...first, cluster: { ...first.cluster, ...cluster } }],
      users: [{ ...one, user: { ...one.user, ...user } }],
    }
    await writeFile(file, JSON.stringify(bad))
    await assert.rejects(readKubeAccess(file), (error: HubError) => {
      assert.equal(error.code, 'config_invalid')
      assert.match(error.message, words)
      return true
    })
  }
  await assert.rejects(readFile(marker), /ENOENT/)
})
