import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dial } from '../../agent/link/grpc.ts'
import { createAgentKey } from '../../agent/link/x509.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { openDeliveryWorld } from '../support/delivery-world.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* An agent on a machine whose clock is wrong: for OpenSSL the hub's certificate is not valid yet, or over.
   Played the other way round: the clock is this machine's, and the hub lives in another time. */

const hour = 3_600_000
const year = 365 * 24 * hour
const soon = { deadlineMs: 15_000, intervalMs: 20 }
const at = (offset: number) => (): number => Date.now() + offset

/** A hub that lives at one time, and an agent; what the hub was told. */
async function open(certified: number, signed: number) {
  const told: string[] = []
  const world = await openDeliveryWorld(
    {
      onReport: () => void told.push('report'),
      onVerdict: (_, { accepted, code }) => void told.push(accepted ? 'accepted' : code),
    },
    {},
    { certifiedAt: at(certified), signedAt: at(signed) },
  )
  world.assign('edge', 1, 'one')
  return { world, told, agent: await world.agent('edge') }
}

describe('F29: an agent whose clock is wrong', () => {
  for (const [what, offset] of [
    // Certificates begin three hours before they are made.
    ['four hours slow', 4 * hour],
    ['a year and a half fast', -1.5 * year],
  ] as const) {
    it(`by being ${what} connects, learns the time from the signer, accepts and reports`, async () => {
      const { world, told, agent } = await open(offset, offset)
      await using _ = world
      await until(() => agent.sequences.length > 0, { ...soon, what: 'the snapshot' })
      await until(() => told.includes('report'), { ...soon, what: 'a report' })
      assert.ok(agent.warnings.some((line) => /clock may be wrong: waiting/.test(line)))
      assert.ok(agent.warnings.some((line) => /"hub_certificate_time"/.test(line)))
      world.assign('edge', 2, 'two')
      await until(() => agent.generations.at(-1) === 2, { ...soon, what: 'what came next' })
    })
  }

  it('tells nothing to who has an old certificate of the hub, once a signer says what time it is', async () => {
    const { world, told, agent } = await open(-1.5 * year, 0)
    await using _ = world
    await until(() => agent.warnings.some((line) => /certificate is over by the time/.test(line)), {
      ...soon,
      what: 'the agent to leave',
    })
    assert.deepEqual(
      told.filter((what) => what === 'report'),
      [],
    )
  })

  it('tells nothing as long as no signer speaks', async () => {
    const told: string[] = []
    await using world = await openDeliveryWorld(
      {
        onReport: () => void told.push('report'),
        freshnessFor: async () => new Uint8Array(),
        onHeartbeat: () => void told.push('heartbeat'),
      },
      {},
      { certifiedAt: at(-1.5 * year) },
    )
    const agent = await world.agent('edge')
    await until(() => told.length >= 2, { ...soon, what: 'two heartbeats' })
    assert.ok(agent.warnings.some((line) => /clock may be wrong/.test(line)))
    assert.deepEqual([...new Set(told)], ['heartbeat'])
  })

  it('still takes no certificate of another authority, or of no hub', async () => {
    const directory = await createTempDir('clock')
    await using _ = directory
    await using world = await openDeliveryWorld({}, {}, { certifiedAt: at(-1.5 * year) })
    const other = await loadAuthority(directory.path, 'test', Date.now)
    const { key, publicKey } = await createAgentKey()
    const own = { series: 1, generation: 1 }
    const { chain: certificateChain } = await other.issue(publicKey, 'edge', own)
    const endpoint = {
      address: world.listener.address,
      hubCa: other.certificate,
      certificateChain,
      key,
    }
    const stream = dial(endpoint, { doubted: true })
    await assert.rejects(stream.responses[Symbol.asyncIterator]().next(), { code: 'hub_untrusted' })
    stream.close()
    assert.equal(world.streams.size, 0)
  })
})
