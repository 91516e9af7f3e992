import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { parse } from 'yaml'
import { parseBody } from '../../agent/apply/write/body.ts'
import { createDirectoryKeys } from '../../agent/secrets/fs.ts'
import { type OpenObject, createOpenObject } from '../../agent/secrets/open.ts'
import { sopsPath } from '../../deploy/setup/paths.mjs'
import { setUpSops } from '../../deploy/setup/sops.mjs'
import type { HubError } from '../../hub/errors.ts'
import type { RenderEngine, RenderResult } from '../../hub/render/engine.ts'
import { renderText, startRenderEngine } from '../support/render-engine.ts'
import { type TempDir, createTempDir } from '../support/temp-dir.ts'

const run = promisify(execFile)
const regex = ['--encrypted-regex', '^(data|stringData)$']

/** Values that a reader of the format might get wrong: other types, other scripts, odd keys. */
const secret = `# a comment that SOPS keeps
apiVersion: v1
kind: Secret
metadata:
  name: db
  labels: {port: "5432"}
  annotations:
    zone.example/rank: "1"
    an.example/long: 'it''s # quoted: "yes"'
immutable: false
type: Opaque
stringData:
  zeta: last comes first
  url: "postgres://u:p@db/x?a=1&b=2"
  10.key: ünïcode ✓
  empty: ""
  block: |
    line one
    line two
data:
  password: aHVudGVyMg==
`

describe('Secrets that the real sops encrypted', () => {
  let engine: RenderEngine
  let folder: TempDir
  let recipient: string
  let open: OpenObject
  let environment: NodeJS.ProcessEnv

  before(async () => {
    await setUpSops()
    engine = await startRenderEngine()
    folder = await createTempDir('sops')
    const key = await generateX25519Identity()
    recipient = await identityToRecipient(key)
    await writeFile(join(folder.path, 'test.agekey'), `# made by a test\n${key}\n`)
    open = createOpenObject(createDirectoryKeys(folder.path))
    environment = { PATH: process.env['PATH'], HOME: folder.path, SOPS_AGE_KEY: key }
  })
  after(async () => {
    await engine?.close()
    await folder?.remove()
  })

  const sops = async (...args: string[]) =>
    (await run(sopsPath(), args, { env: environment })).stdout

  async function encrypt(text: string, ...options: string[]): Promise<string> {
    const file = join(folder.path, 'plain.yaml')
    await writeFile(file, text)
    return sops('encrypt', '--age', recipient, ...options, file)
  }

  /** What `sops decrypt` itself makes of it. */
  async function decrypt(text: string): Promise<string> {
    const file = join(folder.path, 'sealed.yaml')
    await writeFile(file, text)
    return sops('decrypt', file)
  }

  async function openFirst(rendered: RenderResult, name: string) {
    const found = rendered.objects.find(({ id }) => id.kind === 'Secret' && id.name === name)
    assert.ok(found, `Secret ${name} was not rendered`)
    assert.ok(!found.json.includes('hunter2'))
    return open(parseBody(Buffer.from(found.json), found.id, found.apiVersion))
  }

  it('open as sops opens them, MAC and all', async () => {
    for (const macOnly of [false, true]) {
      const rule = `age: ${recipient}, encrypted_regex: ^(data|stringData)$`
      const rules = join(folder.path, 'rules.yaml')
      await writeFile(rules, `creation_rules: [{${rule}, mac_only_encrypted: ${macOnly}}]`)
      const file = join(folder.path, 'plain.yaml')
      await writeFile(file, secret)
      const sealed = await sops('--config', rules, 'encrypt', file)
      assert.equal(sealed.includes('mac_only_encrypted: true'), macOnly)
      const opened = await openFirst(await renderText(engine, { 'a.yaml': sealed }), 'db')
      assert.deepEqual(opened, parse(await decrypt(sealed)))
    }
  })

  it('open after a kustomization gave them another name, namespace and labels', async () => {
    const files = {
      'a.yaml': await encrypt(secret, ...regex),
      'kustomization.yaml':
        'resources: [a.yaml]\nnamespace: shop\nnamePrefix: prod-\nlabels: [{pairs: {team: web}}]\n',
    }
    const opened = await openFirst(
      await renderText(engine, files, { kind: 'kustomize' }),
      'prod-db',
    )
    assert.equal(opened.metadata['namespace'], 'shop')
    const plain = parse(secret) as { stringData: object; data: object }
    assert.deepEqual([opened['stringData'], opened['data']], [plain.stringData, plain.data])
  })

  it('open each when one file holds several', async () => {
    const other = secret.replace('name: db', 'name: other').replace('aHVudGVyMg==', 'b3RoZXI=')
    const sealed = await encrypt(`${secret}---\n${other}`, ...regex)
    const rendered = await renderText(engine, { 'a.yaml': sealed })
    assert.equal(
      ((await openFirst(rendered, 'db'))['data'] as { password: string }).password,
      'aHVudGVyMg==',
    )
    assert.equal(
      ((await openFirst(rendered, 'other'))['data'] as { password: string }).password,
      'b3RoZXI=',
    )
  })

  it('open with an OpenPGP key as GnuPG makes it, and for an age key beside it', async () => {
    const ring = await createTempDir('gnupg')
    const gpg = (...args: string[]) =>
      run('gpg', ['--homedir', ring.path, '--batch', '--no-tty', '--passphrase', '', ...args])
    try {
      const names = ['rsa2048', 'future-default'].map((kind) => [kind, `${kind}@example.com`])
      const fingerprints: string[] = []
      const keys = await createTempDir('pgp-keys')
      for (const [kind, name] of names) {
        await gpg(
          '--pinentry-mode',
          'loopback',
          '--quick-generate-key',
          name!,
          kind!,
          'default',
          'never',
        )
        const { stdout } = await gpg('--with-colons', '--list-keys', name!)
        const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(stdout)![1]!
        // Of the first kind there is yet no subkey to encrypt for.
        if (kind === 'rsa2048')
          await gpg('--quick-add-key', fingerprint, 'rsa2048', 'encr', 'never')
        // Of one only the subkey's secret: the primary key's is kept elsewhere.
        const what = kind === 'rsa2048' ? '--export-secret-subkeys' : '--export-secret-keys'
        const exported = await gpg('--armor', what, fingerprint)
        await writeFile(join(keys.path, `${kind}.asc`), exported.stdout)
        fingerprints.push(fingerprint)
      }
      const openPgp = createOpenObject(createDirectoryKeys(keys.path))
      environment = { ...environment, GNUPGHOME: ring.path }
      for (const more of [[], ['--age', recipient]]) {
        for (const fingerprint of fingerprints) {
          const file = join(folder.path, 'plain.yaml')
          await writeFile(file, secret)
          const sealed = await sops('encrypt', '--pgp', fingerprint, ...more, ...regex, file)
          const rendered = await renderText(engine, { 'a.yaml': sealed })
          const found = rendered.objects.find(({ id }) => id.kind === 'Secret')!
          const body = parseBody(Buffer.from(found.json), found.id, found.apiVersion)
          const plain = parse(secret) as { stringData: object }
          assert.deepEqual((await openPgp(body))['stringData'], plain.stringData)
          if (more.length > 0) assert.deepEqual((await open(body))['stringData'], plain.stringData)
          else {
            await assert.rejects(open(body), {
              code: 'secret_undecryptable',
              message: new RegExp(`encrypted for ${fingerprint}; .* has ${recipient}`),
            })
          }
        }
      }
      await keys.remove()
    } finally {
      await run('gpgconf', ['--homedir', ring.path, '--kill', 'all'])
      await ring.remove()
    }
  })

  it('are refused when a line of the file was changed, as sops refuses them', async () => {
    const sealed = await encrypt(secret, ...regex)
    for (const changed of [
      sealed.replace('name: db', 'name: db2'),
      sealed.replace(/ {4}zeta: .*\n/, ''),
      sealed.replace('immutable: false', 'immutable: true'),
    ]) {
      assert.notEqual(changed, sealed)
      await assert.rejects(decrypt(changed), /MAC mismatch/)
      const rendered = await renderText(engine, { 'a.yaml': changed })
      const name = changed.includes('name: db2') ? 'db2' : 'db'
      await assert.rejects(openFirst(rendered, name), { code: 'secret_tampered' })
    }
  })

  it('are refused by the renderer when their values came out of the file', async () => {
    const sealed = parse(await encrypt(secret, ...regex)) as { stringData: Record<string, string> }
    const files = {
      'url.txt': sealed.stringData['url']!,
      'kustomization.yaml': 'configMapGenerator: [{name: made, files: [url.txt]}]\n',
    }
    await assert.rejects(renderText(engine, files, { kind: 'kustomize' }), (error: HubError) => {
      assert.match(error.faults[0]?.message ?? '', /data\.url\.txt is encrypted by SOPS, but/)
      return true
    })
  })
})
