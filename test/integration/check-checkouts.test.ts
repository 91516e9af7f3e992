import assert from 'node:assert/strict'
import { symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { createFleetCheckout, type FleetCheckout } from '../support/fleet-checkout.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { runGit } from '../support/git-repository.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* Checkouts as people and pipelines have them, other than a clone of everything. */

let root: string
let made = 0

before(async () => {
  root = (await createTempDir('check-checkouts')).path
})

const open = (files: Record<string, string> = {}): Promise<FleetCheckout> =>
  createFleetCheckout(
    root,
    { ...clusterFiles, ...strategyFile('1s'), ...applicationFiles('shop', 'hello'), ...files },
    `checkout-${(made += 1)}`,
  )

describe('swell check and diff', () => {
  it('see a file that was written anew, as long as before, in the second of its commit', async () => {
    const checkout = await open()
    const file = 'apps/shop/settings.yaml'
    const then = new Date('2024-01-01T00:00:00.000Z')
    const stamp = (path: string) => utimes(join(checkout.directory, path), then, then)
    // Of what Git remembers of a file, that leaves its length and the second.
    await checkout.git('config', 'core.trustctime', 'false')
    await stamp(file)
    await checkout.git('update-index', '--refresh')
    await stamp('.git/index')
    await checkout.write({ [file]: configMap('settings', 'jello') })
    await stamp(file)
    const { said } = await checkout.swell(['diff', 'HEAD..'])
    assert.equal(said, 'objects: 1 changed; on 3 of 3 clusters\n')
  })

  it('say of a partial clone what it lacks', async () => {
    const whole = await open()
    await whole.write({ 'apps/shop/settings.yaml': configMap('settings', 'jello') })
    await whole.commit()
    await whole.git('config', 'uploadpack.allowFilter', 'true')
    const partial = `${whole.directory}-partial`
    const url = `file://${whole.directory}`
    await runGit(root, ['clone', '--quiet', '--filter=blob:none', url, partial])
    const swell = (words: string[]) => whole.swell(words, {}, partial)
    const check = await swell(['check', '--path', 'fleet'])
    assert.equal(check.code, 0, check.said)
    const diff = await swell(['diff', 'HEAD~1..HEAD', '--path', 'fleet'])
    assert.equal(diff.code, 2)
    assert.match(diff.said, /lacks objects of this commit, and nothing is fetched here: clone it/)
    assert.doesNotMatch(diff.said, /damaged/)
  })

  it('B11: refuse a file that Git LFS keeps elsewhere, though its content lies here', async () => {
    const checkout = await open({ '.gitattributes': 'apps/shop/*.yaml filter=lfs\n' })
    const { code, out } = await checkout.swell(['check', '--path', 'fleet'])
    assert.equal(code, 1, out)
    assert.match(out, /^apps\/shop\/settings\.yaml: error: is a Git LFS pointer; LFS content/m)
    // What is committed is no pointer here: there was no LFS that could have made one.
    assert.equal((await checkout.swell(['check', '--path', 'fleet', '--at', 'HEAD'])).code, 0)
  })

  it('B2: name a bad link by its path in the repository', async () => {
    const checkout = await open()
    await symlink('/etc/passwd', join(checkout.directory, 'apps/shop/link.yaml'))
    const { code, out } = await checkout.swell(['check', '--path', 'fleet'])
    assert.equal(code, 1)
    assert.match(out, /^apps\/shop\/link\.yaml: error: is a symlink out of the tree/m)
  })

  it('say from where a path begins', async () => {
    const checkout = await open()
    const { code, said } = await checkout.swell(['check', '--path', 'shop'])
    assert.equal(code, 2)
    assert.match(
      said,
      /there is no directory shop \(working-tree\); paths begin at the root of the/,
    )
  })
})
