import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { dial } from '../../agent/link/grpc.ts'
import { loadAuthority } from '../../hub/sync/x509.ts'
import { freePort } from '../support/free-port.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/** A channel tries again after a second, give or take a fifth. */
const triedAgainMs = 1_500

describe('a dial of the agent', () => {
  it('that failed leaves nothing behind that would connect when the hub is back', async () => {
    await using directory = await createTempDir('dial')
    const authority = await loadAuthority(directory.path, 'f', Date.now)
    const { certificate, key } = await authority.serve(['groundswell-hub'])
    const port = await freePort()
    const endpoint = {
      address: `127.0.0.1:${port}`,
      hubCa: authority.certificate,
      certificateChain: certificate,
      key,
    }
    for (let dials = 0; dials < 3; dials += 1) {
      const stream = dial(endpoint)
      await assert.rejects(
        async () => {
          for await (const _ of stream.responses);
        },
        { code: 'hub_unreachable' },
      )
      stream.close()
    }
    let connections = 0
    const hub = createServer((socket) => {
      connections += 1
      socket.destroy()
    }).listen(port, '127.0.0.1')
    await once(hub, 'listening')
    const start = performance.now()
    // That something does not come can only be waited for.
    await until(() => connections > 0 || performance.now() - start > triedAgainMs, {
      deadlineMs: 10_000,
      what: 'the time in which a channel tries again',
    })
    hub.close()
    assert.equal(connections, 0)
  })
})
