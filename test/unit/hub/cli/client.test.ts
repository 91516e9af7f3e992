import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createClient } from '../../../../hub/cli/client.ts'
import { CliFailure } from '../../../../hub/cli/failure.ts'

/** Asks a hub that answers with a problem; gives what a person is told. */
async function askRefusing(status: number, code: string, detail: string): Promise<CliFailure> {
  const problem = {
    ...{ type: `https://groundswell.dev/problems/${code}`, title: 'No', status, detail },
    ...{ instance: 'urn:uuid:1', code, errors: [] },
  }
  const body = (async function* () {
    yield Buffer.from(JSON.stringify(problem))
  })()
  const client = createClient({ server: 'http://hub.example', token: 'x' }, async () => ({
    ...{ ok: false, status, statusText: 'No', body },
    headers: { get: () => null },
  }))
  const failed = await client
    .call('getFleet', { signal: new AbortController().signal })
    .catch((error: unknown) => error)
  assert.ok(failed instanceof CliFailure, String(failed))
  return failed
}

describe('what a hub refuses', () => {
  it('may be of a release before what is asked; a name that nobody has is not', async () => {
    const unknown = await askRefusing(404, 'not_found', 'No such resource')
    assert.match(unknown.hint, /hub may be older: compare `swell version`/)
    assert.equal((await askRefusing(404, 'not_found', 'No cluster nobody')).hint, '')
  })

  it('for it is not ready is told by the doctor, which needs no renderer', async () => {
    const refused = await askRefusing(503, 'renderer_unavailable', 'the renderer is away')
    assert.match(refused.hint, /swell doctor/)
    assert.doesNotMatch(refused.hint, /swell fleet/)
  })
})
