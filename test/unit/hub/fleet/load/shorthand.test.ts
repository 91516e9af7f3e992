import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HubError } from '../../../../../hub/errors.ts'
import { loadFleet } from '../../../../../hub/fleet/load/load.ts'
import { resolveTargets } from '../../../../../hub/fleet/resolve/resolve.ts'
import { badConfigurations, head } from '../bad-configurations.ts'

const clusters = ['edge-1', 'edge-2']
  .map((name) => `${head('Cluster', name)}  labels:\n    region: eu\nspec: {}\n`)
  .join('---\n')

function load(texts: Readonly<Record<string, string>>) {
  const files = Object.entries({ 'fleet/clusters.yaml': clusters, ...texts })
  return loadFleet(
    `main@sha1:${'a'.repeat(40)}`,
    files.map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
  )
}

function faultsOf(texts: Readonly<Record<string, string>>): string[] {
  try {
    load(texts)
    return []
  } catch (error) {
    assert.ok(error instanceof HubError)
    return error.faults.map(
      ({ file, line, column, object, message }) =>
        `${file}:${line}:${column}: ${object ?? '-'}: ${message}`,
    )
  }
}

const everywhere = 'targets:\n  - clusterSelector: {}\n'

describe('swell.yaml', () => {
  test('is the same as the Application written out', () => {
    const fields = `targetNamespace: shop
prune: false
targets:
  - clusterSelector: {}
    values: { zone: "\${cluster.labels.region}" }
`
    const short = load({
      'apps/shop/swell.yaml': `${fields}labels: { team: a }\nhelm:\n  releaseName: web\n  valuesFiles: [values.yaml]\n`,
    })
    const long = load({
      'apps/shop.yaml': `${head('Application', 'shop')}  labels: { team: a }\nspec:\n  source:\n    path: apps/shop\n    helm:\n      releaseName: web\n      valuesFiles: [values.yaml]\n${fields.replace(/^/gm, '  ').trimEnd()}\n`,
    })
    assert.deepEqual(resolveTargets(short), resolveTargets(long))
    const strip = ({ applications }: ReturnType<typeof load>) => {
      const { file: _, line: __, ...rest } = applications.get('shop')!
      return rest
    }
    assert.deepEqual(strip(short), strip(long))
    assert.equal(short.applications.get('shop')?.file, 'apps/shop/swell.yaml')
  })

  test('may name its application, and hold several', () => {
    const fleet = load({
      'apps/shop/swell.yaml': `name: one\n${everywhere}---\nname: two\n${everywhere}kustomize: {}\n`,
      'swell.yaml': `name: root\n${everywhere}`,
      'apps/whole/swell.yaml': `${head('Application', 'whole')}spec: { source: { path: x }, targets: [{ clusters: [edge-1] }] }\n`,
    })
    assert.deepEqual(
      [...fleet.applications.values()].map(({ name, spec }) => `${name} ${spec.source.path}`),
      ['one apps/shop', 'two apps/shop', 'whole x', 'root .'],
    )
  })

  const bad: readonly (readonly [string, string, string, string])[] = [
    [
      'a misspelt field',
      'apps/shop',
      `${everywhere}pruen: true\n`,
      ':3:1: Application shop: unknown field "pruen", did you mean "prune"?',
    ],
    [
      'a misspelt field of its source',
      'apps/shop',
      `${everywhere}helm:\n  relaeseName: x\n`,
      ':4:3: Application shop: unknown field "relaeseName", did you mean "releaseName"?',
    ],
    [
      'a source, which is where it stands',
      'apps/shop',
      `${everywhere}path: ../other\n`,
      ':3:1: Application shop: unknown field "path"',
    ],
    ['no targets', 'apps/shop', 'prune: true\n', ':1:1: Application shop: `targets` is missing'],
    ['nothing', 'apps/shop', '# later\n', ':1:1: -: holds nothing; give at least `targets`'],
    [
      'a cluster that is not there',
      'apps/shop',
      'targets:\n  - clusters: [edge-3]\n',
      ':2:16: Application shop: there is no cluster "edge-3", did you mean "edge-1"?',
    ],
    [
      'a values file outside of the repository',
      'apps/shop',
      `${everywhere}helm: { valuesFiles: [../../../x.yaml] }\n`,
      ':3:23: Application shop: values file "../../../x.yaml" is not inside the repository',
    ],
    [
      'two kinds of source',
      'apps/shop',
      `${everywhere}helm: {}\nkustomize: {}\n`,
      ':3:7: Application shop: a source has one kind; here are kustomize and helm',
    ],
    [
      'a directory that is no name',
      'apps/My_Shop',
      everywhere,
      ':1:1: Application My_Shop: give a `name`: the directory\'s, "My_Shop", is none for an Application',
    ],
    [
      'no directory to be named after',
      '.',
      everywhere,
      ':1:1: Application .: give a `name`: the directory\'s, ".", is none for an Application',
    ],
    [
      'text that is no map',
      'apps/shop',
      'targets\n',
      ':1:1: Application shop: "targets" is not a map',
    ],
    [
      'its name twice',
      'more/shop',
      everywhere,
      ':1:1: Application shop: is declared already at apps/shop/swell.yaml:1',
    ],
  ]
  for (const [what, directory, text, fault] of bad) {
    test(`is refused with ${what}`, () => {
      const more = what === 'its name twice' ? { 'apps/shop/swell.yaml': everywhere } : {}
      const file = directory === '.' ? 'swell.yaml' : `${directory}/swell.yaml`
      const faults = faultsOf({ [file]: text, ...more })
      assert.ok(
        faults.some((line) => line.startsWith(file + fault)),
        `expected ${file}${fault}, got:\n${faults.join('\n')}`,
      )
    })
  }

  test('gets every fault an Application’s own fields get', () => {
    const rest = {
      'fleet/x.yaml': [
        `${head('ClusterGroup', 'europe')}spec: { selector: {} }\n`,
        `${head('RolloutStrategy', 'careful')}spec: { waves: [{ name: all }] }\n`,
        `${head('Application', 'shop')}spec: { source: { path: x }, targets: [{ clusters: [edge-1] }] }\n`,
      ].join('---\n'),
    }
    let tried = 0
    for (const [what, text, , words] of badConfigurations) {
      const spec =
        /^apiVersion: [^\n]*\nkind: Application\nmetadata:\n {2}name: a\nspec:\n([^]*)$/.exec(text)
      const inSpec = spec?.[1]?.replace(/^ {2}/gm, '')
      // What says where the source is has no place in a shorthand.
      const fields = inSpec?.replace(/^source:\n {2}path: a\n/m, '')
      // Its words list the fields there are, which are others here.
      if (what === 'unknown field, nothing near' || /another place/.test(what)) continue
      if (fields === undefined || fields === inSpec || /^source:|^ {2}\w/m.test(fields)) continue
      tried += 1
      const faults = faultsOf({ ...rest, 'a/swell.yaml': fields })
      const found = faults.some((fault) => words.test(fault))
      assert.ok(found, `${what}: expected ${words}, got:\n${faults.join('\n')}`)
    }
    assert.ok(tried >= 15, `only ${tried} were tried`)
  })
})
