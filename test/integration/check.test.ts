import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import type { CheckReport } from '../../hub/check/check.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createFleetCheckout, type FleetCheckout } from '../support/fleet-checkout.ts'
import { startGitServer } from '../support/git-server.ts'
import { createTempDir } from '../support/temp-dir.ts'

interface SarifResult {
  ruleId: string
  locations: [{ physicalLocation: { artifactLocation: { uri: string } } }]
  properties: { clusters: string[] }
}

const api = 'apiVersion: groundswell.dev/v1alpha1'
let root: string

before(async () => {
  root = (await createTempDir('check')).path
})

let made = 0
const open = (files: Record<string, string> = {}): Promise<FleetCheckout> =>
  createFleetCheckout(
    root,
    { ...clusterFiles, ...strategyFile('1s'), ...applicationFiles('shop', 'hello'), ...files },
    `checkout-${(made += 1)}`,
  )

const check = async (checkout: FleetCheckout, ...words: string[]) => {
  const { out, said, code } = await checkout.swell(['check', '-o', 'json', ...words])
  assert.notEqual(out, '', said)
  return { report: JSON.parse(out) as CheckReport, code }
}

describe('swell check', () => {
  it('passes a good fleet, and renders once what is the same on all clusters', async () => {
    const checkout = await open()
    const { report, code } = await check(checkout)
    assert.equal(code, 0)
    assert.equal(report.verdict, 'passed')
    const { clusters, applications, targets, renders, objects } = report.counts
    assert.deepEqual([clusters, applications, targets, renders, objects], [3, 1, 3, 1, 6])
    assert.match(report.revision, /^working-tree@sha1:[0-9a-f]{40}$/)
  })

  it('looks at files that are not committed, and leaves the checkout as it was', async () => {
    const checkout = await open()
    await checkout.write({ 'fleet/more.yaml': `${api}\nkind: Cluster\nmetadata: {nmae: d}\n` })
    const before = await listFiles(join(checkout.directory, '.git'))
    const { out, said, code } = await checkout.swell(['check'])
    assert.equal(code, 1)
    assert.match(
      out,
      /^fleet\/more\.yaml:3:12: error: .*nmae.*did you mean.*name.*\[configuration\]$/m,
    )
    assert.match(said, /^failed: \d+ errors?;/)
    assert.deepEqual(await listFiles(join(checkout.directory, '.git')), before)
    assert.equal((await check(checkout, '--at', 'HEAD')).report.verdict, 'passed')
  })

  it('tells every fault of every application, once for all clusters it is true of', async () => {
    const { 'fleet/lost.yaml': empty } = applicationFiles('lost', '')
    const checkout = await open({
      ...applicationFiles('web', 'x'),
      'apps/web/bad.yaml': 'kind: ConfigMap\nmetadata: {name: x\n',
      'fleet/lost.yaml': empty!.replace('  createNamespace: true\n', ''),
      'apps/lost/settings.yaml': '# nothing\n',
    })
    const { out, code } = await checkout.swell(['check'])
    assert.equal(code, 1)
    assert.match(out, /^apps\/web\/bad\.yaml:\d+: error: .*; on all 3 clusters \[render\]$/m)
    assert.match(out, /Application lost: renders to no objects;.*on all 3 clusters/)
    assert.doesNotMatch(out, /shop/)
  })

  it('tells what policies say of rendered objects, and fails by what they deny', async () => {
    const policy = `${api}\nkind: Policy\nmetadata: {name: words}\nspec: {files: [policies]}\n`
    const rego = (word: string) => `package main
${word}[msg] { input.kind == "ConfigMap"; msg := "no ConfigMaps, please" }
`
    const checkout = await open({ 'fleet/policy.yaml': policy, 'policies/p.rego': rego('deny') })
    const { out, code } = await checkout.swell(['check'])
    assert.equal(code, 1)
    assert.match(
      out,
      /^apps\/shop\/settings\.yaml: error: .*ConfigMap shop\/settings.*data\.main\.deny: no ConfigMaps, please.*on all 3 clusters \[policy words\]$/m,
    )
    await checkout.write({ 'policies/p.rego': rego('warn') })
    const { report, code: warned } = await check(checkout)
    assert.equal(warned, 0)
    assert.equal(report.counts.warnings, 1)
    await checkout.write({ 'policies/p.rego': rego('nothing') })
    const broken = await checkout.swell(['check'])
    assert.equal(broken.code, 1)
    assert.match(broken.out, /^policies\/p\.rego:1: error: .*no rule is called deny/m)
    // With what is wrong elsewhere, so that one look is enough.
    await checkout.write({ 'fleet/bad.yaml': `${api}\nkind: Nothing\n` })
    const both = await checkout.swell(['check'])
    assert.match(both.out, /^fleet\/bad\.yaml:2:\d+: error: .*unknown kind "Nothing"/m)
    assert.match(both.out, /^policies\/p\.rego:1: error: .*no rule is called deny/m)
  })

  it('does not pass what it could not look at', async () => {
    const checkout = await open({
      'fleet/other.yaml': `${api}\nkind: Repository\nmetadata: {name: other}\nspec: {url: "https://git.invalid/other"}\n`,
      ...elsewhere('elsewhere'),
    })
    const { out, said, code } = await checkout.swell(['check'])
    assert.equal(code, 2)
    assert.match(
      out,
      /^not checked: Application elsewhere: repository other: not read; give its checkout with --repository other=DIR, or --fetch it$/m,
    )
    assert.match(said, /^incomplete: 1 application not checked;/)

    const other = await createFleetCheckout(
      root,
      { 'apps/elsewhere/a.yaml': configMap('a', 'b') },
      'other',
    )
    const given = await check(checkout, '--repository', `other=${other.directory}`)
    assert.equal(given.code, 0)
    assert.equal(given.report.counts.targets, 6)

    await other.write({ 'apps/elsewhere/a.yaml': 'a: [' })
    const broken = await checkout.swell(['check', '--repository', `other=${other.directory}`])
    assert.equal(broken.code, 1)
    assert.match(broken.out, /^other\/\/apps\/elsewhere\/a\.yaml:1: error/m)
  })

  it('fetches what is elsewhere when told to, and says when it cannot', async () => {
    await using git = await startGitServer()
    const other = await git.createRepository('other')
    await other.commit({ 'apps/elsewhere/a.yaml': configMap('a', 'b') })
    const repository = (url: string) => ({
      'fleet/other.yaml': `${api}\nkind: Repository\nmetadata: {name: other}\nspec: {url: "${url}"}\n`,
    })
    const checkout = await open({ ...repository(git.url('other')), ...elsewhere('elsewhere') })
    const { report, code } = await check(checkout, '--fetch')
    assert.equal(code, 0)
    assert.equal(report.counts.targets, 6)
    await checkout.write(repository(git.url('nowhere')))
    const lost = await checkout.swell(['check', '--fetch'])
    assert.equal(lost.code, 2)
    assert.match(lost.out, /^not checked: Application elsewhere: repository other: /m)
  })

  it('needs no engine when all is in the cache, and takes nothing from a damaged one', async () => {
    const checkout = await open()
    const own = { GROUNDSWELL_CACHE: join(root, 'own-cache') }
    assert.equal((await checkout.swell(['check'], own)).code, 0)
    const [name, ...more] = await readdir(join(root, 'own-cache', 'renders'))
    assert.deepEqual(more, [])
    const path = join(root, 'own-cache', 'renders', name!)
    assert.equal((await stat(path)).mode & 0o077, 0)
    const kept = await readFile(path, 'utf8')
    await writeFile(path, kept.replace('hello', 'jello'))
    const again = await checkout.swell(['check'], own)
    assert.equal(again.code, 0, again.said)
    assert.equal(await readFile(path, 'utf8'), kept)
  })

  it('refuses a name that would select nothing', async () => {
    const checkout = await open()
    const { said, code } = await checkout.swell(['check', '--cluster', 'a', '--cluster', 'z'])
    assert.equal(code, 2)
    assert.match(said, /there is no cluster z in this fleet/)
  })

  it('says what is missing when it is not in a checkout, or has no engine', async () => {
    const checkout = await open()
    const outside = await checkout.swell(['check', '-C', root])
    assert.deepEqual([outside.code, outside.said], [2, `swell: ${root} is in no Git checkout\n`])
    const without = await checkout.swell(['check'], { GROUNDSWELL_ENGINE: '/nonexistent' })
    assert.equal(without.code, 2)
    assert.match(without.said, /no render engine: none at \/nonexistent; run `npm run setup`/)
  })

  it('writes SARIF that shows each finding in the fleet repository', async () => {
    const checkout = await open({ 'apps/shop/settings.yaml': 'a: [' })
    const { out } = await checkout.swell(['check', '-o', 'sarif'])
    const { version, runs } = JSON.parse(out) as {
      version: string
      runs: [{ results: [SarifResult] }]
    }
    assert.equal(version, '2.1.0')
    const [{ ruleId, locations, properties }] = runs[0].results
    assert.equal(ruleId, 'render')
    const { uri } = locations[0].physicalLocation.artifactLocation
    assert.equal(uri, 'apps/shop/settings.yaml')
    assert.deepEqual(properties.clusters, ['a', 'b', 'c'])
  })
})

function elsewhere(name: string): Record<string, string> {
  const { [`fleet/${name}.yaml`]: text } = applicationFiles(name, '')
  return { [`fleet/${name}.yaml`]: text!.replace('source:\n', 'source:\n    repository: other\n') }
}

/** Names and contents: Git may touch an object's time where it would write the same again. */
async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const lines = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name)
    return `${path} ${createHash('sha256')
      .update(await readFile(path))
      .digest('hex')}`
  })
  return (await Promise.all(lines)).sort()
}
