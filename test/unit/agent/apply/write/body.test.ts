import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { markBody, parseBody } from '../../../../../agent/apply/write/body.ts'

const id = { group: 'sea.example.org', kind: 'Tide', namespace: 'n', name: 'x' }
const text = (spec: string, labels = '{}') =>
  `{"apiVersion":"sea.example.org/v1","kind":"Tide","metadata":{"name":"x","labels":${labels}},"spec":${spec}}`
const parse = (json: string) => parseBody(Buffer.from(json), id, 'sea.example.org/v1')
const marks = { application: 'shop', cluster: 'c1', namespace: 'n', scaled: false }

describe('markBody', () => {
  it('keeps numbers that JavaScript would round or respell', () => {
    const spec = '{"big":9007199254740993,"float":1.0,"tiny":1e-7,"plain":5}'
    assert.ok(markBody(parse(text(spec)), marks).includes(`"spec":${spec}`))
  })

  it('adds its marks and namespace to what is there', () => {
    const body = JSON.parse(markBody(parse(text('{}', '{"a":"b"}')), marks)) as {
      metadata: { labels: object; annotations: object; namespace: string }
    }
    assert.equal(body.metadata.namespace, 'n')
    assert.deepEqual(body.metadata.labels, {
      a: 'b',
      'groundswell.dev/application': 'shop',
      // base64url of sha256 over groundswell-inventory-shop.groundswell-system.ConfigMap.
      'applyset.kubernetes.io/part-of': 'applyset-Kb3pslwmwpQdx7ieOiOXHK7K92U7q_TTojUKIO0etWA-v1',
    })
    assert.deepEqual(body.metadata.annotations, { 'groundswell.dev/cluster': 'c1' })
  })

  it('puts the texts of a Secret where they will live, so that a change of them is drift', () => {
    const secret = (fields: object) =>
      parseBody(
        Buffer.from(
          JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, ...fields }),
        ),
        { group: '', kind: 'Secret', namespace: 'n', name: 'x' },
        'v1',
      )
    const apply = (fields: object) => JSON.parse(markBody(secret(fields), marks)) as object
    const { data, stringData } = apply({
      data: { a: 'MQ==', b: 'Mg==' },
      stringData: { b: 'two', c: 'ü' },
    }) as { data: object; stringData?: object }
    assert.deepEqual(data, { a: 'MQ==', b: 'dHdv', c: 'w7w=' })
    assert.equal(stringData, undefined)
    const odd = apply({ stringData: { a: 1 } }) as { stringData: object }
    assert.deepEqual(odd.stringData, { a: 1 })
  })

  it('leaves the size to an autoscaler', () => {
    const json = markBody(parse(text('{"replicas":2,"a":1}')), { ...marks, scaled: true })
    assert.ok(json.includes('"spec":{"a":1}'))
  })
})

describe('parseBody', () => {
  for (const [what, json] of [
    ['bytes that are not JSON', '{'],
    ['JSON that is no object', 'null'],
    ['another object than the manifest names', text('{}').replace('"x"', '"y"')],
    ['another version', text('{}').replace('/v1', '/v2')],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => parse(json), { code: 'object_malformed' }))
  }
})
