import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lifetime } from '../../../../hub/lifetime.ts'
import type { Authority, ServerCertificate } from '../../../../hub/sync/x509.ts'
import { openCertificate } from '../../../../hub/wiring/certificate.ts'

const hour = 3_600_000

test('F29: a hub whose clock was set back shows no certificate that is not good yet', async () => {
  let now = 100 * hour
  let look = async (): Promise<unknown> => undefined
  const shown: ServerCertificate[] = []
  const authority = {
    turn: async () => false,
    serve: async () => ({ madeAt: now, renewAt: now + hour }) as ServerCertificate,
    list: () => [],
  } as unknown as Authority
  const every = (_: number, run: typeof look): void => {
    look = run
  }
  const life = { every } as Lifetime
  const surroundings = {
    config: { advertise: 'hub', authorityLifeMs: hour } as never,
    log: { info: () => {} } as never,
    clock: () => now,
  }
  const certificate = await openCertificate(surroundings, life, authority)
  certificate.showOn({ present: (next) => void shown.push(next) })
  await look()
  assert.equal(shown.length, 0, 'one that is good stays')
  now -= 10 * hour
  await look()
  assert.deepEqual(
    shown.map(({ madeAt }) => madeAt),
    [now],
  )
})
