import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { createCredentials } from '../../agent/link/credentials.ts'
import type { StoredIdentity } from '../../agent/link/identity.ts'
import { isCertificateOf } from '../../agent/link/renewal.ts'
import { createCertificateKey } from '../../agent/link/x509.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { createTempDir } from '../support/temp-dir.ts'

const start = Date.parse('2026-01-01T00:00:00Z')
const day = 24 * 3_600_000

/** An agent's credentials by real keys and certificates. */
async function open(change: (stored: StoredIdentity) => Promise<StoredIdentity> | StoredIdentity) {
  await using directory = await createTempDir('agent-credentials')
  const time = { wall: start }
  const authority = await loadAuthority(directory.path, 'test', () => time.wall)
  const hubCa = authority.certificate
  /** What the hub says to a key. */
  async function answer(publicKey: Uint8Array, generation: number) {
    const { chain } = await authority.issue(publicKey, randomUUID(), { series: 1, generation })
    return { certificateChain: chain, hubCa, generation }
  }
  const made: { publicKey: Uint8Array; key: string }[] = []
  const createKey = async () => {
    const key = await createCertificateKey()
    made.push(key)
    return key
  }
  const first = await createKey()
  const { certificateChain } = await answer(first.publicKey, 1)
  const stored: StoredIdentity = await change({
    identity: { fleet: 'f', cluster: 'a', clusterId: 'a', clusterUid: 'u' },
    endpoint: { address: 'hub:1', hubCa, certificateChain, key: first.key },
    ...{ boundKey: '', generation: 1, receivedAt: start },
  })
  const said: string[] = []
  const credentials = createCredentials({
    stored,
    save: async () => {},
    createKey,
    async claim() {
      // A key of the agent's own, whichever it asked with last.
      return {
        pending: false,
        dataAddress: 'hub:1',
        ...(await answer(made.at(-1)!.publicKey, 3)),
      } as never
    },
    clock: () => time.wall,
    monotonic: () => 0,
    random: () => 0,
    log: { info: () => {}, warn: (_, message) => void said.push(message) },
  })
  const works = (): boolean => {
    const { certificateChain: chain, key } = credentials.endpoint()
    return isCertificateOf(chain, key)
  }
  return { credentials, answer, made, said, time, works }
}

describe('credentials of an agent', () => {
  it('F57: an answer that comes when another key was asked for since is not used', async () => {
    const { credentials, answer, made, said, time, works } = await open((stored) => stored)
    time.wall += 364 * day
    assert.ok(await credentials.renewal())
    const late = await answer(made.at(-1)!.publicKey, 2)
    await credentials.renewed(late)
    // What it got is over by the time that it is tried: it claims one for a new key.
    time.wall += 4_000 * day
    assert.equal(await credentials.failed('identity_refused'), true)
    const { length } = made
    assert.ok(works())
    await credentials.renewed(late)
    assert.deepEqual([works(), made.length], [true, length])
    assert.match(said.at(-1)!, /another key/)
  })

  it('goes on where a process before it had kept one of another key', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const { credentials, works, time } = await open(async (stored) => {
      const { certificateChain, hubCa } = stored.endpoint
      const key = other.export({ type: 'pkcs8', format: 'pem' }) as string
      const issued = { certificateChain, hubCa, generation: 2, receivedAt: start }
      return { ...stored, next: { key, request: 'AA==', issued } }
    })
    assert.ok(works())
    time.wall += 364 * day
    assert.ok(await credentials.renewal(), 'it asks again')
  })
})
