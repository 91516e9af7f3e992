import assert from 'node:assert/strict'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { runSwell } from '../support/swell.ts'
import { createTempDir } from '../support/temp-dir.ts'

const swell = (...words: readonly string[]) =>
  runSwell({ url: 'http://127.0.0.1:9', token: async () => '' }, ...words)

const gitRepo = `apiVersion: fleet.cattle.io/v1alpha1
kind: GitRepo
metadata: { name: apps }
spec:
  repo: https://git.example/apps.git
  paths: [web]
  imageScanInterval: 5m
  targets: [{ clusterName: edge-1 }]
`

async function writeAll(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
}

describe('swell migrate', () => {
  it('writes files that a fleet is made of, says what has no counterpart, and overwrites nothing', async () => {
    await using directory = await createTempDir('migrate')
    const [from, to] = [join(directory.path, 'from'), join(directory.path, 'to/fleet')]
    await writeAll(from, {
      'repo.yaml': gitRepo,
      'web/fleet.yaml': 'defaultNamespace: web\n',
      '.git/evil.yaml': gitRepo.replace('name: apps', 'name: git'),
      'chart/templates/x.yaml': '{{ if .fleet.cattle.io/ }}\n: {',
      'picture.png': '\0',
    })
    await symlink('/etc', join(from, 'link'))
    const first = await swell('migrate', 'fleet', from, '--out', to)
    assert.deepEqual([first.code, first.out], [0, ''])
    assert.match(
      first.said,
      /^repo\.yaml:7:3: GitRepo apps: `imageScanInterval` has no counterpart$/m,
    )
    assert.match(first.said, /^chart\/templates\/x\.yaml:\d+:\d+: is not YAML: /m)
    assert.match(first.said, /^3 objects, 2 remarks$/m)
    const application = await readFile(join(to, 'applications/apps-web.yaml'), 'utf8')
    assert.match(application, /^kind: Application$/m)
    assert.match(await readFile(join(to, 'clusters.yaml'), 'utf8'), /^ {2}name: edge-1$/m)

    const again = await swell('migrate', 'fleet', from, '--out', to)
    assert.equal(again.code, 2)
    assert.match(again.said, /repositories\.yaml is there already; nothing was written/)

    // What came out is what the hub reads.
    const printed = await swell('migrate', 'fleet', from)
    assert.equal(printed.code, 0)
    await writeAll(join(directory.path, 'printed'), { 'all.yaml': printed.out })
    assert.match(printed.out, /kind: Repository[^]*kind: Cluster[^]*kind: Application/)
  })

  it('says so when there is nothing to migrate, or nothing there', async () => {
    await using directory = await createTempDir('migrate')
    await writeAll(directory.path, { 'x.yaml': 'a: 1\n' })
    const empty = await swell('migrate', 'flux', directory.path)
    assert.equal(empty.code, 1)
    assert.match(empty.said, /nothing in .* can be migrated from flux/)
    const absent = await swell('migrate', 'argocd', join(directory.path, 'nowhere'))
    assert.equal(absent.code, 2)
    assert.match(absent.said, /cannot read .*nowhere: ENOENT/)
  })

  it('prints a schema, or says which there are', async () => {
    const { code, out } = await swell('schema', 'application')
    assert.deepEqual([code, (JSON.parse(out) as { title: string }).title], [0, 'Application'])
    const unknown = await swell('schema', 'Aplication')
    assert.equal(unknown.code, 2)
    assert.match(unknown.said, /there is no schema "Aplication", did you mean "Application"\?/)
  })
})
