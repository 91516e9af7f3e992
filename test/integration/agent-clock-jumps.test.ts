import assert from 'node:assert/strict'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { createCredentials } from '../../agent/link/credentials.ts'
import { AgentError } from '../../agent/errors.ts'
import type { StoredIdentity } from '../../agent/link/identity.ts'
import { createCertificateKey } from '../../agent/link/x509.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { createTempDir } from '../support/temp-dir.ts'

const hour = 3_600_000
const tenYears = 10 * 365 * 24 * hour

describe('F29: certificates of an agent whose clock jumps', () => {
  let stored: StoredIdentity
  const start = Date.parse('2026-01-01T00:00:00Z')

  before(async () => {
    await using directory = await createTempDir('credentials')
    const authority = await loadAuthority(directory.path, 'test', () => start)
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const spki = keys.publicKey.export({ type: 'spki', format: 'der' })
    const own = { series: 1, generation: 1 }
    const { chain: certificateChain } = await authority.issue(spki, randomUUID(), own)
    stored = {
      identity: { fleet: 'f', cluster: 'a', clusterId: 'a', clusterUid: 'u' },
      endpoint: { address: 'hub:1', hubCa: authority.certificate, certificateChain, key: '' },
      ...{ boundKey: '', generation: 1, receivedAt: start },
    }
  })

  function open() {
    const time = { wall: start, passed: 0, claims: 0 }
    const credentials = createCredentials({
      stored,
      save: async () => {},
      createKey: createCertificateKey,
      async claim() {
        time.claims += 1
        throw new AgentError('hub_unreachable', 'not now')
      },
      clock: () => time.wall,
      monotonic: () => time.passed,
      random: () => 0,
      log: { info: () => {}, warn: () => {} },
    })
    return { time, credentials }
  }

  it('claims again after a while, though the clock went back by years meanwhile', async () => {
    const { time, credentials } = open()
    time.wall += tenYears
    assert.equal(await credentials.failed('identity_refused'), false)
    assert.equal(time.claims, 1)
    time.wall = start
    await credentials.failed('identity_refused')
    assert.equal(time.claims, 1, 'not at once')
    time.passed += 10_000
    await credentials.failed('identity_refused')
    assert.equal(time.claims, 2)
  })

  it('asks for the next one again, though the clock went back since it asked', async () => {
    const { time, credentials } = open()
    time.wall += tenYears
    assert.ok(await credentials.renewal())
    assert.equal(await credentials.renewal(), undefined, 'it waits for the answer')
    time.wall = start - hour
    time.passed += 2 * 60_000
    assert.ok(await credentials.renewal())
  })

  it('claims nothing of a hub whose certificate may be an old one', async () => {
    const { time, credentials } = open()
    time.wall += tenYears
    assert.equal(await credentials.failed('hub_certificate_time'), false)
    assert.equal(time.claims, 0)
  })
})
