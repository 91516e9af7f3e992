import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type VerifyFiles, runVerify } from '../../../../agent/verify/command.ts'

const files = (given: Record<string, string>): VerifyFiles => ({
  async read(path) {
    const text = given[path]
    if (text === undefined) throw new Error(`${path} is not there`)
    return Buffer.from(text)
  },
  readAll: async () =>
    new Map(Object.entries(given).map(([name, text]) => [name, Buffer.from(text)])),
})

async function run(argv: string[], given: Record<string, string> = {}) {
  let said = ''
  const say = (text: string): void => void (said += text)
  const code = await runVerify(argv, files(given), say, async (bytes) => bytes)
  return { code, said }
}

describe('runVerify', () => {
  const identity = JSON.stringify({ fleet: 'f', cluster: 'c', clusterId: 'i', clusterUid: 'u' })
  const vector = { name: 'n', rows: [], root: '', identity: JSON.parse(identity) as object, at: 1 }
  const state = { epoch: 1, sequence: 0, snapshotDigest: null }
  const fileOf = (expected: string) =>
    JSON.stringify({ defaults: { state }, vectors: [{ ...vector, expected }] })

  it('tells a refusal by its code and exits with 1', async () => {
    const argv = ['--root', 'root', '--identity', 'id', '--at', '1']
    assert.deepEqual(await run(argv, { root: '{}', id: identity }), {
      code: 1,
      said: 'envelope_malformed\n',
    })
  })

  it('exits with 2 whenever it cannot tell, and never with 0', async () => {
    for (const argv of [
      [],
      ['--no-such'],
      ['--root', 'gone', '--identity', 'id', '--at', '1'],
      ['--root', 'root', '--identity', 'root', '--at', '1'],
      ['--root', 'root', '--identity', 'id', '--at', 'soon'],
      ['--root', 'root', '--identity', 'id', '--at', '1', '--freshness', 'root'],
      ['--vectors', 'here'],
    ]) {
      const { code, said } = await run(argv, { root: '{}', id: identity })
      assert.equal(code, 2, argv.join(' '))
      assert.match(said, /^cannot tell: /)
    }
    assert.equal((await run(['--vectors', 'd'], { 'a.json': '{' })).code, 2)
  })

  it('judges vectors, and exits with 1 when one got another verdict', async () => {
    const good = await run(['--vectors', 'd'], { 'a.json': fileOf('envelope_malformed'), b: '' })
    assert.deepEqual(good, { code: 0, said: 'ok  a.json: n: envelope_malformed\n' })
    const bad = await run(['--vectors', 'd'], { 'a.json': fileOf('accept') })
    assert.equal(bad.code, 1)
    assert.match(bad.said, /^FAILED {2}a\.json: n: envelope_malformed, expected accept/)
  })
})
