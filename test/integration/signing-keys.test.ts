import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { exportJWK, generateKeyPair } from 'jose'
import { loadSigningKey } from '../../hub/bundle/fs.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* Row B88: a key that is no good is refused by its path, and never replaced by a new one. */

async function jwkOf(algorithm: string, options: object = {}): Promise<string> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true, ...options })
  return JSON.stringify(await exportJWK(privateKey))
}

const good = (): Promise<string> => jwkOf('EdDSA', { crv: 'Ed25519' })

describe('B88: a signing key', () => {
  for (const [what, make, message] of [
    ['RSA', () => jwkOf('RS256'), /not an Ed25519 private key/],
    ['another curve', () => jwkOf('ES256'), /not an Ed25519 private key/],
    [
      'only public',
      async () => JSON.stringify({ ...JSON.parse(await good()), d: undefined }),
      /not an Ed25519 private key/,
    ],
    ['no JSON', async () => '-----BEGIN PRIVATE KEY-----', /not JSON/],
    ['empty', async () => '', /not JSON/],
    ['a list', async () => '[]', /not an Ed25519 private key/],
  ] as const) {
    it(`is refused: ${what}`, async () => {
      await using directory = await createTempDir()
      const path = join(directory.path, 'snapshot.jwk')
      const text = await make()
      await writeFile(path, text, { mode: 0o600 })
      await assert.rejects(loadSigningKey(directory.path, 'snapshot'), (error: Error) => {
        assert.equal((error as { code?: string }).code, 'config_invalid')
        assert.match(error.message, message)
        assert.ok(error.message.startsWith(path), error.message)
        return true
      })
      assert.equal(await readFile(path, 'utf8'), text)
    })
  }

  for (const mode of [0o644, 0o640, 0o604, 0o660, 0o622]) {
    it(`is refused: of mode ${mode.toString(8)}`, async () => {
      await using directory = await createTempDir()
      const path = join(directory.path, 'snapshot.jwk')
      await writeFile(path, await good())
      await chmod(path, mode)
      await assert.rejects(loadSigningKey(directory.path, 'snapshot'), {
        code: 'config_invalid',
        message: `${path}: readable by others; chmod 600 it`,
      })
    })
  }

  it('is refused: a directory in its place', async () => {
    await using directory = await createTempDir()
    await mkdir(join(directory.path, 'snapshot.jwk'), { mode: 0o700 })
    await assert.rejects(loadSigningKey(directory.path, 'snapshot'), /EISDIR/)
  })

  it('is made for its owner alone where there is none', async () => {
    await using directory = await createTempDir()
    await loadSigningKey(join(directory.path, 'keys'), 'snapshot')
    const { mode } = await stat(join(directory.path, 'keys', 'snapshot.jwk'))
    assert.equal(mode & 0o777, 0o600)
  })
})
