import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { LiveObject } from '../../agent/cluster/port.ts'
import { noKeys } from '../../agent/secrets/keys.ts'
import type { VaultPlace } from '../../agent/secrets/vault-settings.ts'
import { openVault } from '../../agent/wiring/vault.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { createHands, createNamespace } from '../support/hands.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { type TempDir, createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { requestToken, type TestVault, startVault } from '../support/vault-server.ts'
import { presentApplication, verifiedSnapshot } from '../support/verified-snapshot.ts'

const never = new AbortController().signal
const soon = { deadlineMs: 20_000, intervalMs: 50 }
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('Secrets that refer to a real Vault, on a real API server', () => {
  let plane: ControlPlane
  let vault: TestVault
  let folder: TempDir
  let tokenFile: string

  before(async () => {
    plane = await startControlPlane({ name: 'kube-vault' })
    const home = { metadata: { name: 'groundswell-system' } }
    await until(() => kubeCall(plane, 'GET', '/api/v1/namespaces/kube-system'), {
      ...soon,
      what: 'the namespace of Vault',
    })
    await kubeCall(plane, 'POST', '/api/v1/namespaces', home)
    for (const name of ['groundswell-agent', 'stranger']) {
      const path = '/api/v1/namespaces/groundswell-system/serviceaccounts'
      await kubeCall(plane, 'POST', path, { metadata: { name } })
    }
    vault = await startVault(plane)
    folder = await createTempDir('kube-vault')
    tokenFile = join(folder.path, 'token')
    await writeFile(tokenFile, await requestToken(plane, 'groundswell-system', 'groundswell-agent'))
  })
  after(async () => {
    await vault?.[Symbol.asyncDispose]()
    await plane?.stop()
    await folder?.remove()
  })

  /** An agent's hands that read Vault as its settings say. */
  async function createReader(changes: Partial<VaultPlace> = {}) {
    const { address, caFile } = vault
    const place = {
      ...{ address, caFile, tokenFile, role: 'agent', authPath: 'kubernetes' },
      ...{ namespace: undefined, paths: undefined, interval: 300, ...changes },
    }
    const opened = await openVault(place)
    const hands = await createHands(plane.kubeconfig, noKeys, opened.references)
    return {
      ...hands,
      async [Symbol.asyncDispose]() {
        await hands[Symbol.asyncDispose]()
        await opened.close()
      },
    }
  }
  /** An application of a namespace of its own, with one Secret. */
  function refer(name: string, stringData: Record<string, string>, note = '') {
    const metadata = { name: 'db', namespace: name, annotations: { note } }
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData }
    return verifiedSnapshot(presentApplication(name, [createNamespace(name), secret]))
  }
  async function read(namespace: string) {
    const path = `/api/v1/namespaces/${namespace}/secrets/db`
    const { status, body } = await kubeRequest(plane, 'GET', path)
    return status === 200 ? (body as LiveObject & { data: Record<string, string> }) : undefined
  }
  const holds = (namespace: string, key: string, value: string) =>
    until(async () => (await read(namespace))?.data[key] === base64(value), {
      ...soon,
      what: `${namespace} to hold another value`,
    })

  it('T29: get values, get new ones when they change, and nothing tells them', async () => {
    await vault.allow('agent')
    await vault.put('shop/db', { password: 'canary-1a', url: 'canary-1b', other: 'canary-1c' })
    await using hands = await createReader()
    const snapshot = refer('shop', {
      password: 'vault:secret/data/shop/db#password',
      url: 'vault:secret/data/shop/db#url',
    })
    await hands.workloads.reconcile(snapshot, never)
    assert.deepEqual((await read('shop'))?.data, {
      password: base64('canary-1a'),
      url: base64('canary-1b'),
    })
    const { resourceVersion } = (await read('shop'))!.metadata
    await vault.put('shop/db', { password: 'canary-2a', url: 'canary-1b' })
    await holds('shop', 'password', 'canary-2a')
    await until(() => hands.state('shop')?.health === 'Current', { ...soon, what: 'health' })
    const { phase, healed, driftedObjects, errors } = hands.state('shop')!
    assert.deepEqual([phase, healed, driftedObjects, errors], ['Applied', 0, 0, []])
    assert.notEqual((await read('shop'))?.metadata.resourceVersion, resourceVersion)

    // Drift is put right with what Vault has.
    await kubeCall(plane, 'PATCH', '/api/v1/namespaces/shop/secrets/db', {
      data: { password: base64('canary-3a') },
    })
    await holds('shop', 'password', 'canary-2a')
    const maps = await kubeCall(plane, 'GET', '/api/v1/configmaps')
    const told = JSON.stringify([hands.reports, hands.requests, hands.logs, maps])
    assert.ok(!/canary-\d|Y2FuYXJ5/.test(told), 'a value is told')
    assert.match(told, /groundswell-shop|inventory/)
  })

  it('name at the object what Vault says no to, all of it, and keep what is there', async () => {
    await vault.allow('agent')
    await vault.put('shop/gone', { password: 'canary-4' })
    await vault.put('shop/here', { password: 'canary-5', size: 7 })
    await using hands = await createReader()
    const good = { password: 'vault:secret/data/shop/here#password' }
    await hands.workloads.reconcile(refer('till', good), never)
    await vault.call('DELETE', 'secret/data/shop/gone')
    const bad = {
      denied: 'vault:secret/data/other/db#password',
      deleted: 'vault:secret/data/shop/gone#password',
      missing: 'vault:secret/data/shop/never#password',
    }
    await hands.workloads.reconcile(refer('till', bad), never)
    const [error] = hands.state('till')?.errors ?? []
    assert.equal(error?.object, '/Secret/till/db')
    assert.equal(error.code, 'secret_unresolved')
    assert.match(error.message, /secret\/data\/other\/db refused: 403 .*permission denied/)
    assert.match(error.message, /secret\/data\/shop\/gone: its newest version was deleted/)
    assert.match(error.message, /nothing is at secret\/data\/shop\/never \(404\)/)
    const keys = {
      key: 'vault:secret/data/shop/here#user',
      number: 'vault:secret/data/shop/here#size',
    }
    await hands.workloads.reconcile(refer('till', keys), never)
    const words = hands.state('till')?.errors[0]?.message ?? ''
    assert.match(words, /stringData\.key: secret\/data\/shop\/here has no key "user"/)
    assert.match(
      words,
      /stringData\.number: secret\/data\/shop\/here has no text at its key "size"/,
    )
    assert.deepEqual((await read('till'))?.data, { password: base64('canary-5') })
    assert.equal(hands.requests.filter(({ method }) => method === 'DELETE').length, 0)
  })

  it('go on past the longest life of a token, and are refused to another account', async () => {
    await vault.allow('brief', { token_ttl: '1s', token_max_ttl: '2s' })
    await vault.put('shop/brief', { password: 'canary-6' })
    await using hands = await createReader({ role: 'brief' })
    await hands.workloads.reconcile(
      refer('brief', { password: 'vault:secret/data/shop/brief#password' }),
      never,
    )
    for (const value of ['canary-7', 'canary-8', 'canary-9']) {
      const from = Date.now()
      await until(() => Date.now() - from > 1_100, { ...soon, what: 'its token to age' })
      await vault.put('shop/brief', { password: value })
      await holds('brief', 'password', value)
    }
    assert.equal(hands.state('brief')?.health, 'Current')

    const other = join(folder.path, 'other')
    await writeFile(other, await requestToken(plane, 'groundswell-system', 'stranger'))
    await using stranger = await createReader({ role: 'brief', tokenFile: other })
    await stranger.workloads.reconcile(
      refer('strange', { password: 'vault:secret/data/shop/brief#password' }),
      never,
    )
    assert.match(
      stranger.state('strange')?.errors[0]?.message ?? '',
      /login as brief at auth\/kubernetes refused: 403 service account name not authorized/,
    )
    assert.equal(await read('strange'), undefined)
  })

  it('stay as they are while Vault is sealed, untrusted or gone, with its words', async () => {
    await vault.allow('agent')
    await vault.put('shop/kept', { password: 'canary-10' })
    const snapshot = refer('kept', { password: 'vault:secret/data/shop/kept#password' })
    {
      await using hands = await createReader()
      await hands.workloads.reconcile(snapshot, never)
      await vault.seal()
      const says = (health: string, words: RegExp) =>
        until(
          () => {
            const { health: seen, unhealthy = [] } = hands.state('kept') ?? {}
            return seen === health && words.test(unhealthy[0]?.message ?? '')
          },
          { ...soon, what: `${health}, ${String(words)}` },
        )
      await says('Unknown', /503 Vault is sealed; it stays as it was read last/)
      assert.equal(hands.state('kept')?.phase, 'Applied')
      const path = '/api/v1/namespaces/kept/secrets/db'
      await kubeCall(plane, 'PATCH', path, { data: { password: base64('canary-11') } })
      await holds('kept', 'password', 'canary-10')
      await kubeCall(plane, 'DELETE', path)
      await holds('kept', 'password', 'canary-10')
      await vault.unseal()
      await says('Current', /^$/)
      await vault.put('shop/kept', { password: 'canary-12' })
      await holds('kept', 'password', 'canary-12')
    }
    // One whose certificate nobody vouches for is told nothing.
    await using wary = await createReader({ caFile: undefined })
    await wary.workloads.reconcile(refer('wary', { a: 'vault:secret/data/shop/kept#a' }), never)
    assert.match(wary.state('wary')?.errors[0]?.message ?? '', /not reachable: .*certificate/)

    await vault.kill()
    // An agent that starts with Vault gone has nothing to write, and writes nothing.
    await using hands = await createReader()
    await hands.workloads.reconcile(snapshot, never)
    assert.deepEqual(hands.writes(), [])
    await until(() => /not reachable/.test(hands.state('kept')?.unhealthy[0]?.message ?? ''), {
      ...soon,
      what: 'Vault to be missed',
    })
    assert.deepEqual((await read('kept'))?.data, { password: base64('canary-12') })
    await hands.workloads.reconcile(
      refer('kept', { password: 'vault:secret/data/shop/kept#password' }, 'changed'),
      never,
    )
    const [error] = hands.state('kept')?.errors ?? []
    assert.equal(error?.code, 'vault_unavailable')
    assert.deepEqual((await read('kept'))?.data, { password: base64('canary-12') })
  })
})
