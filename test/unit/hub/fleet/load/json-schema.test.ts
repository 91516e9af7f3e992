import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Ajv } from 'ajv'
import { parseAllDocuments } from 'yaml'
import { schemaFile, schemaNames, toJsonSchema } from '../../../../../hub/fleet/load/json-schema.ts'
import { kinds } from '../../../../../hub/fleet/kinds.ts'
import { head } from '../bad-configurations.ts'

/** As an editor judges it: another reader of JSON Schema than our own. */
function faultsOf(name: string, text: string): string[] {
  const validate = new Ajv({ allErrors: true, strict: false }).compile(toJsonSchema(name)!)
  return parseAllDocuments(text).flatMap((document) => {
    validate(document.toJS())
    return (validate.errors ?? [])
      .filter(({ keyword }) => keyword !== 'if')
      .map(({ instancePath, message, params }) =>
        [instancePath, message, (params as { additionalProperty?: string }).additionalProperty]
          .filter(Boolean)
          .join(' '),
      )
  })
}

const good = `${head('Application', 'shop')}spec:
  project: team-a
  source: { path: shop, helm: { values: { a: [1, { b: c }] } } }
  targets: [{ clusterSelector: {}, patches: [{ patch: x, target: { kind: Deployment } }] }]
---
${head('Cluster', 'edge-1')}  labels: { region: eu }
spec: {}
`

describe('toJsonSchema', () => {
  test('has one a kind, one for a file of any, one for swell.yaml, each under a name of its own', () => {
    assert.deepEqual(schemaNames.toSorted(), ['fleet', 'swell', ...Object.keys(kinds)].toSorted())
    assert.equal(new Set(schemaNames.map(schemaFile)).size, schemaNames.length)
    assert.equal(schemaFile('RolloutStrategy'), 'rollout-strategy.json')
    assert.equal(toJsonSchema('clustergroup')?.['title'], 'ClusterGroup')
    assert.equal(toJsonSchema('constructor'), undefined)
  })

  test('takes what is right', () => {
    assert.deepEqual(faultsOf('fleet', good), [])
    assert.deepEqual(faultsOf('swell', 'targets: [{ clusterSelector: {} }]\nhelm: {}\n'), [])
  })

  test('tells the faults of the kind that is meant, and of no other', () => {
    const bad = good.replace('project:', 'projekt:').replace('spec: {}', 'spec: { suspend: 1 }')
    assert.deepEqual(faultsOf('fleet', bad), [
      '/spec must NOT have additional properties projekt',
      '/spec/suspend must be boolean',
    ])
    assert.deepEqual(faultsOf('fleet', head('Clutser', 'a')), [
      '/kind must be equal to one of the allowed values',
    ])
    assert.deepEqual(faultsOf('swell', 'targets: []\npath: a\n'), [
      ' must NOT have additional properties path'.trim(),
      '/targets must NOT have fewer than 1 items',
    ])
  })

  test('says of every field of an Application what it is for', () => {
    const missing: string[] = []
    const look = (node: Readonly<Record<string, unknown>>, path: string): void => {
      for (const [name, field] of Object.entries((node['properties'] ?? {}) as typeof node)) {
        const at = `${path}.${name}`
        const { description, const: fixed } = field as { description?: string; const?: unknown }
        if (description === undefined && fixed === undefined) missing.push(at)
        look(field as typeof node, at)
      }
      if (node['items']) look(node['items'] as typeof node, path)
    }
    const { spec } = toJsonSchema('Application')!['properties'] as { spec: { properties: object } }
    const own = Object.keys(spec.properties)
    look({ properties: spec.properties }, 'spec')
    const direct = missing.filter((path) => own.includes(path.slice('spec.'.length)))
    assert.deepEqual(direct, [])
  })
})
