import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseAddress } from '../../hub/source/address.ts'
import { isPrivateAddress, resolvePublic } from '../../hub/source/dns.ts'
import { createMirror } from '../../hub/source/git.ts'
import { buildGitEnvironment, localAccess, pinAddresses } from '../../hub/source/git-environment.ts'
import type { HostRules } from '../../hub/source/host-rules.ts'
import { runGit } from '../support/git-repository.ts'
import { never, rejectsWith } from '../support/mirror-world.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'

let temp: TempDir
let inside: Server
let port: number
const asked: string[] = []

before(async () => {
  temp = await createTempDir('hosts')
  inside = createServer((request, response) => {
    asked.push(String(request.headers.host))
    response.writeHead(404).end()
  })
  inside.listen(0, '127.0.0.1')
  await once(inside, 'listening')
  ;({ port } = inside.address() as AddressInfo)
})

after(async () => {
  inside.closeAllConnections()
  inside.close()
  await temp.remove()
})

async function fetchFrom(url: string, hosts: HostRules): Promise<unknown> {
  const mirror = await createMirror(
    { name: 'apps', url, ref: { branch: 'main' }, timeout: 10_000 },
    { directory: join(temp.path, 'm.git'), credential: () => undefined, hosts },
  )
  return mirror.fetch(never).finally(() => mirror.close())
}

for (const host of [
  '127.0.0.1',
  'localhost',
  'localhost.',
  '0x7f000001',
  '127.1',
  '2130706433',
  '[::1]',
]) {
  test(`B25, T27: http://${host}/ is refused before anything is asked`, async () => {
    const url = `http://${host}:${port}/a.git`
    const work = fetchFrom(url, { allowed: [], fleet: '' })
    await rejectsWith(work, 'source_refused', `B25: a repository of ${host}`)
    assert.deepEqual(asked, [])
  })
}

test('B25, T27: the address of cloud metadata is refused', async () => {
  const work = fetchFrom('http://169.254.169.254/latest', { allowed: [], fleet: '' })
  await rejectsWith(work, 'source_refused', 'B25: a repository of the metadata of a cloud')
})

test('B25, T27: once hosts are listed, others are refused by name, public or not', async () => {
  const rules = { allowed: ['*.corp.example'], fleet: '127.0.0.1' }
  for (const host of ['git.example.com', 'corp.example', 'evil-corp.example']) {
    const words = `B25: ${host}, which is not listed`
    await rejectsWith(fetchFrom(`https://${host}/a.git`, rules), 'source_refused', words)
  }
})

test('a host that is listed, and that of the fleet repository, may be anywhere', async () => {
  const url = `http://127.0.0.1:${port}/a.git`
  for (const rules of [
    { allowed: ['127.0.0.1'], fleet: '' },
    { allowed: [], fleet: '127.0.0.1' },
  ]) {
    asked.length = 0
    await rejectsWith(fetchFrom(url, rules), 'source_refused', /there is no such repository/)
    assert.equal(asked.length, 1)
  }
})

test('B26, T27: Git connects to the addresses that were judged, and asks no name server again', async () => {
  asked.length = 0
  const address = parseAddress(`http://git.nowhere.invalid:${port}/a.git`)
  const env = buildGitEnvironment(
    temp.path,
    process.env['PATH']!,
    { ...localAccess, config: pinAddresses(address, ['127.0.0.1']) },
    ['http'],
  )
  await assert.rejects(runGit(temp.path, ['ls-remote', address.url], env), /not found/)
  assert.deepEqual(asked, [`git.nowhere.invalid:${port}`])
  await rejectsWith(
    resolvePublic('git.nowhere.invalid').then(() => undefined),
    'source_unreachable',
    'B26: a name that does not resolve',
  )
})

test('addresses of no host of the open Internet are known', () => {
  const bad = ['10.1.2.3', '172.31.0.1', '192.168.1.1', '100.64.0.1', '0.0.0.0', '224.0.0.1']
  const worse = [
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    'fc00::1',
    'fe80::1',
    '64:ff9b::1',
  ]
  for (const address of [...bad, ...worse, 'ff02::1', '2002:7f00:1::']) {
    assert.ok(isPrivateAddress(address), address)
  }
  for (const address of ['8.8.8.8', '172.32.0.1', '140.82.121.4', '2606:4700::1111']) {
    assert.ok(!isPrivateAddress(address), address)
  }
})
