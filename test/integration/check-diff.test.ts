import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { parseAllDocuments } from 'yaml'
import type { FleetDiff } from '../../hub/check/fleet-diff.ts'
import { createFleetCheckout, type FleetCheckout } from '../support/fleet-checkout.ts'
import { applicationFiles, clusterFiles, configMap, strategyFile } from '../support/fleet-files.ts'
import { createTempDir } from '../support/temp-dir.ts'

let root: string
let made = 0

before(async () => {
  root = (await createTempDir('check-diff')).path
})

const open = (files: Record<string, string> = {}): Promise<FleetCheckout> =>
  createFleetCheckout(
    root,
    { ...clusterFiles, ...strategyFile('1s'), ...applicationFiles('shop', 'hello'), ...files },
    `checkout-${(made += 1)}`,
  )

/** An application whose text names the cluster, on top of what is the same everywhere. */
const patched = (name: string, patchOn: string) =>
  applicationFiles(
    name,
    'hello',
    `  # the same but for one cluster
`,
  )[`fleet/${name}.yaml`]!.replace(
    '    - clusterSelector: {}\n',
    `    - clusters: [${patchOn}]
      patches:
        - patch: |
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            data: {where: special}
    - clusterSelector: {}
`,
  )

describe('swell diff BASE..HEAD', () => {
  it('tells what is the same on many clusters once, and what differs apart', async () => {
    const checkout = await open()
    await checkout.write({
      'apps/shop/settings.yaml': configMap('settings', 'jello'),
      'fleet/shop.yaml': patched('shop', 'b'),
    })
    await checkout.commit()
    const { out, said, code } = await checkout.swell(['diff', 'HEAD~1..HEAD'])
    assert.equal(code, 1)
    assert.equal(said, 'objects: 1 changed; on 3 of 3 clusters\n')
    assert.equal(
      out,
      `application shop on all 3 clusters
  ConfigMap shop/settings: changed same change on 2 clusters, different on 1
    on 2 clusters, such as a
    @@
     apiVersion: v1
     data:
    -  text: hello
    +  text: jello
     kind: ConfigMap
     metadata:
       name: settings
    on cluster b
    @@
     apiVersion: v1
     data:
    -  text: hello
    +  text: jello
    +  where: special
     kind: ConfigMap
     metadata:
       name: settings
`,
    )
  })

  it('says deletions first, and what becomes of each object', async () => {
    const checkout = await open({
      ...applicationFiles('keep', 'x', '  prune: false\n'),
      'apps/keep/more.yaml': configMap('more', 'y'),
      ...applicationFiles('orphan', 'x', '  deletionPolicy: Orphan\n'),
    })
    await checkout.write({
      'fleet/shop.yaml': null,
      'fleet/orphan.yaml': null,
      'apps/keep/more.yaml': null,
    })
    const { out, said, code } = await checkout.swell(['diff', 'HEAD..'])
    assert.equal(code, 1)
    assert.equal(said, 'objects: 5 REMOVED (1 waits); on 3 of 3 clusters\n')
    const [loud] = out.split('\n\n')
    assert.equal(
      loud,
      `REMOVED (5)
  - ConfigMap shop/settings of shop on all 3 clusters: deleted once a person starts it
  - ConfigMap keep/more of keep on all 3 clusters: left: the application does not prune
  - ConfigMap orphan/settings of orphan on all 3 clusters: left: its deletionPolicy is Orphan
  - Namespace orphan of orphan on all 3 clusters: left: the object is guarded against pruning
  - Namespace shop of shop on all 3 clusters: left: the object is guarded against pruning`,
    )
  })

  it('says how applications roll out from then on, where nothing else changes', async () => {
    const checkout = await open(applicationFiles('web', 'x'))
    const [file, text] = Object.entries(strategyFile('1s'))[0]!
    await checkout.write({ [file]: text.replace('soak: 1s', 'soak: 2m') })
    const asked = await checkout.swell(['diff', 'HEAD..'])
    assert.equal(asked.said, 'no object differs; the rollout strategy of 2 applications changes\n')
    assert.equal(asked.code, 1)
    assert.equal(
      asked.out,
      'rollout strategy of 2 applications, such as shop\n  wave canary: soak from 1s to 2m\n',
    )
    const one = await checkout.swell(['diff', 'HEAD..', '--application', 'web', '-o', 'markdown'])
    assert.match(
      one.out,
      /^#### Rollout strategy of application web\n\n- wave canary&#58; soak from/m,
    )
    const sarif = await checkout.swell(['diff', 'HEAD..', '-o', 'sarif'])
    assert.match(sarif.out, /"Rollout strategy of 2 applications, such as shop: wave canary: soak/)
  })

  it('takes nothing for removed that does not render, and is no answer then', async () => {
    const checkout = await open(applicationFiles('web', 'x'))
    await checkout.write({
      'apps/web/settings.yaml': 'a: [',
      'apps/shop/settings.yaml': configMap('settings', 'y'),
    })
    const { out, said, code } = await checkout.swell(['diff', 'HEAD..'])
    assert.equal(code, 2)
    assert.doesNotMatch(out, /REMOVED|web/)
    assert.match(out, /application shop/)
    assert.match(said, /^head:apps\/web\/settings\.yaml:1: /m)
    assert.match(said, /Application web cannot be compared on all 3 clusters/)
  })

  it('has nothing to say of a suspended cluster or one that is detached but that it is left', async () => {
    const checkout = await open()
    const clusters = clusterFiles['fleet/clusters.yaml']!.split('---\n')
    await checkout.write({
      'fleet/clusters.yaml': [
        clusters[0]!,
        clusters[1]!.replace('spec: {}', 'spec: {suspend: true}'),
      ].join('---\n'),
    })
    const { out, said, code } = await checkout.swell(['diff', 'HEAD..', '-o', 'json'])
    const { applications, incomparable } = JSON.parse(out) as FleetDiff
    assert.equal(code, 2, said)
    assert.deepEqual(incomparable, [{ application: 'shop', clusters: ['b'] }])
    assert.deepEqual(
      applications.flatMap(({ objects }) =>
        objects.flatMap(({ variants }) => variants.map(({ clusters, fate }) => [clusters, fate])),
      ),
      [
        [['c'], 'left: the cluster is detached'],
        [['c'], 'left: the cluster is detached'],
      ],
    )
  })

  it('compares with where a branch parted when asked with three dots', async () => {
    const checkout = await open()
    await checkout.git('checkout', '--quiet', '-b', 'work')
    await checkout.write({ 'apps/shop/more.yaml': configMap('more', 'x') })
    await checkout.commit()
    await checkout.git('checkout', '--quiet', 'main')
    await checkout.write({ 'apps/shop/settings.yaml': configMap('settings', 'newer') })
    await checkout.commit()
    const names = async (range: string) => {
      const { out } = await checkout.swell(['diff', range, '-o', 'json'])
      return (JSON.parse(out) as FleetDiff).applications.flatMap(({ objects }) =>
        objects.map(({ object }) => object),
      )
    }
    assert.deepEqual(await names('main...work'), ['ConfigMap shop/more'])
    assert.deepEqual(await names('main..work'), ['ConfigMap shop/settings', 'ConfigMap shop/more'])
  })

  it('says when there is no difference, no commit, or no readable fleet', async () => {
    const checkout = await open()
    const none = await checkout.swell(['diff', 'HEAD..'])
    assert.deepEqual(none, { out: '', said: 'no differences\n', code: 0 })
    const lost = await checkout.swell(['diff', 'nowhere..HEAD'])
    assert.equal(lost.code, 2)
    assert.match(lost.said, /there is no commit nowhere; a shallow clone has only the newest/)
    await checkout.write({
      'fleet/bad.yaml': 'apiVersion: groundswell.dev/v1alpha1\nkind: Nothing\n',
    })
    const bad = await checkout.swell(['diff', 'HEAD..'])
    assert.equal(bad.code, 2)
    assert.match(bad.said, /fleet\/bad\.yaml:2:\d+: Nothing: unknown kind "Nothing"/)
  })

  it('writes a comment, and SARIF in which deletions are warnings', async () => {
    const checkout = await open()
    await checkout.write({ 'fleet/shop.yaml': null })
    const { out } = await checkout.swell(['diff', 'HEAD..', '-o', 'markdown'])
    assert.match(out, /^### Groundswell diff\n/)
    assert.match(
      out,
      /#### 🛑 Removed\n\n.*`ConfigMap shop\/settings` of `shop` on all 3 clusters: \*\*deleted\*\*/s,
    )
    const sarif = await checkout.swell(['diff', 'HEAD..', '-o', 'sarif'])
    const { runs } = JSON.parse(sarif.out) as { runs: [{ results: { level: string }[] }] }
    assert.deepEqual(runs[0].results.map(({ level }) => level).sort(), ['note', 'warning'])
  })
})

describe('swell diff of a Secret', () => {
  it('says that it changed, and in no form what it held or holds', async () => {
    const secret = (value: string) =>
      `apiVersion: v1\nkind: Secret\nmetadata: { name: s, annotations: { n: "${value.length}" } }\ndata: { a: ${Buffer.from(value).toString('base64')} }\nstringData: { b: ${value} }\n`
    const [before, after] = ['porridge-of-before', 'oatmeal-of-now']
    const checkout = await open({ 'apps/shop/secret.yaml': secret(before) })
    await checkout.write({ 'apps/shop/secret.yaml': secret(after) })
    for (const form of ['text', 'markdown', 'json', 'sarif']) {
      const { out, said, code } = await checkout.swell(['diff', 'HEAD..', '-o', form])
      assert.equal(code, 1, said)
      assert.match(out, /Secret shop\/s/, form)
      for (const value of [before, after]) {
        const both = [value, Buffer.from(value).toString('base64')]
        for (const text of both) assert.ok(!`${out}${said}`.includes(text), `${form}: ${text}`)
      }
    }
    const { out } = await checkout.swell(['diff', 'HEAD..', '-o', 'json'])
    assert.match(JSON.stringify(JSON.parse(out)), /"Secret shop\/s"/)
  })
})

describe('swell render', () => {
  it('gives the objects of a cluster, secrets masked unless asked for', async () => {
    const checkout = await open({
      'apps/shop/secret.yaml':
        'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: aGlkZGVu}\n',
    })
    const { out, code } = await checkout.swell(['render', '--cluster', 'a'])
    assert.equal(code, 0)
    const objects = parseAllDocuments(out).map((document) => document.toJS() as { kind: string })
    assert.deepEqual(objects.map(({ kind }) => kind).sort(), ['ConfigMap', 'Namespace', 'Secret'])
    assert.match(out, /^# Application shop on cluster a$/m)
    assert.match(out, /^# Source: apps\/shop\/settings\.yaml$/m)
    assert.doesNotMatch(out, /aGlkZGVu/)
    const shown = await checkout.swell(['render', '--cluster', 'a', '--show-secrets', '-o', 'json'])
    assert.match(shown.out, /aGlkZGVu/)
    const named = await checkout.swell(['render', '-o', 'name'])
    assert.match(named.out, /^shop: ConfigMap shop\/settings$/m)
  })

  it('fails when something does not render, and gives the rest', async () => {
    const checkout = await open({
      ...applicationFiles('web', 'x'),
      'apps/web/settings.yaml': 'a: [',
    })
    const { out, said, code } = await checkout.swell(['render'])
    assert.equal(code, 1)
    assert.match(out, /Application shop/)
    assert.match(said, /^apps\/web\/settings\.yaml:1: error: /m)
  })
})
