import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { loadConnection } from '../../agent/cluster/kubeconfig.ts'
import type { LiveObject } from '../../agent/cluster/port.ts'
import { createSecretKeys } from '../../agent/secrets/kube.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { createHands } from '../support/hands.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { sealSecret } from '../support/sops-file.ts'
import { until } from '../support/until.ts'
import {
  presentApplication,
  type TestObject,
  verifiedSnapshot,
} from '../support/verified-snapshot.ts'

const never = new AbortController().signal
const password = Buffer.from('canary-5fe1').toString('base64')

describe('an encrypted Secret on a real API server', () => {
  let plane: ControlPlane
  const secrets = '/api/v1/namespaces/default/secrets'
  const read = async (name: string) => {
    const { status, body } = await kubeRequest(plane, 'GET', `${secrets}/${name}`)
    return status === 200 ? (body as LiveObject & { data?: Record<string, string> }) : undefined
  }

  before(async () => {
    plane = await startControlPlane({ name: 'kube-sops' })
    await until(() => kubeCall(plane, 'GET', '/api/v1/namespaces/default'), {
      deadlineMs: 10_000,
      what: 'the default namespace',
    })
  })
  after(() => plane?.stop())

  it('is refused without its key, applied once the key is there, healed, and never told', async () => {
    const connection = await loadConnection({ kubeconfig: plane.kubeconfig })
    const keys = createSecretKeys(connection, { namespace: 'default', name: 'keys' })
    await using hands = await createHands(plane.kubeconfig, keys)
    const key = await generateX25519Identity()
    const sealed = await sealSecret(
      { metadata: { name: 'db', namespace: 'default' }, data: { password } },
      { recipients: [await identityToRecipient(key)] },
    )
    const snapshot = verifiedSnapshot(
      presentApplication('sealed', [sealed as unknown as TestObject]),
    )
    await hands.workloads.reconcile(snapshot, never)
    const refused = hands.state('sealed')?.errors[0]
    assert.equal(refused?.code, 'secret_undecryptable')
    assert.match(refused.message, /Secret default\/keys has no key/)
    assert.equal(await read('db'), undefined)

    await kubeCall(plane, 'POST', secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys' },
      data: { 'one.agekey': Buffer.from(key).toString('base64') },
    })
    // By itself: the agent tries again what failed.
    await until(async () => (await read('db'))?.data?.['password'] === password, {
      deadlineMs: 20_000,
      what: 'the Secret, decrypted',
    })
    assert.equal((await read('db'))?.['sops'], undefined)
    await until(() => hands.state('sealed')?.phase === 'Applied', {
      deadlineMs: 10_000,
      what: 'the application, applied',
    })

    await kubeCall(plane, 'PATCH', `${secrets}/db`, { data: { password: 'ZHJpZnRlZA==' } })
    await until(async () => (await read('db'))?.data?.['password'] === password, {
      deadlineMs: 10_000,
      what: 'the Secret, healed',
    })
    const inventories = await kubeCall(plane, 'GET', '/api/v1/configmaps')
    const told = JSON.stringify([hands.reports, hands.requests, inventories])
    for (const word of [password, 'canary-5fe1', 'ZHJpZnRlZA==', key]) {
      assert.ok(!told.includes(word), `${word} is told`)
    }
    await keys.close()
  })
})
