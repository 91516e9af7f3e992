import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startApi } from '../support/api.ts'

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly parameters?: { name: string; in: string; required?: boolean; schema?: object }[]
  readonly requestBody?: { content: Record<string, { schema?: object }> }
  readonly responses: Record<string, { description?: string }>
  readonly security?: object[]
}
interface Document {
  readonly openapi: string
  readonly info: { title: string; version: string }
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { schemas: Record<string, object>; securitySchemes: Record<string, object> }
  readonly security: object[]
}

await using test = await startApi()
const response = await test.api.inject('/openapi.json')
const document = response.json<Document>()
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
)

describe('the OpenAPI document', () => {
  it('is 3.1 and needs no token', () => {
    assert.equal(response.statusCode, 200)
    assert.equal(document.openapi, '3.1.0')
    assert.equal(document.info.version, '9.9.9')
  })

  it('is written out once, whoever asks for it and how often (T37)', async () => {
    Object.assign(test.api, { swagger: () => assert.fail('it is written out again') })
    const again = await test.api.inject('/openapi.json')
    assert.equal(again.body, response.body)
    assert.equal(again.headers['content-type'], 'application/json; charset=utf-8')
  })

  it('names each operation once', () => {
    const ids = operations.map(({ operation }) => operation.operationId)
    assert(
      ids.every((id) => /^[a-z][A-Za-z]+$/.test(id ?? '')),
      String(ids),
    )
    assert.equal(new Set(ids).size, ids.length)
    assert(operations.every(({ operation }) => operation.summary))
  })

  it('declares every parameter of a path, and no other', () => {
    for (const { path, method, operation } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
      const declared = (operation.parameters ?? []).filter((one) => one.in === 'path')
      assert.deepEqual(
        declared.map((one) => one.name).toSorted(),
        inPath.toSorted(),
        `${method} ${path}`,
      )
      assert(declared.every((one) => one.required === true && one.schema))
    }
  })

  it('resolves every reference', () => {
    const missing: string[] = []
    JSON.stringify(document, (key, value: unknown) => {
      if (key === '$ref') {
        const name = String(value).replace('#/components/schemas/', '')
        if (!Object.hasOwn(document.components.schemas, name)) missing.push(String(value))
      }
      return value
    })
    assert.deepEqual(missing, [])
  })

  it('describes every answer, and an error for everything under /api', () => {
    for (const { path, method, operation } of operations) {
      const answers = Object.entries(operation.responses)
      assert(answers.length > 0, `${method} ${path}`)
      for (const [status, answer] of answers) {
        assert.match(status, /^([1-5]\d\d|default)$/)
        assert(answer.description, `${method} ${path} ${status}`)
      }
      if (path.startsWith('/api/') && !path.endsWith('/stream'))
        assert('default' in operation.responses, `${method} ${path}`)
    }
  })

  it('asks for a bearer token everywhere but on the public routes', () => {
    assert.deepEqual(document.components.securitySchemes, {
      bearer: { type: 'http', scheme: 'bearer' },
    })
    assert.deepEqual(document.security, [{ bearer: [] }])
    const open = operations.filter(({ operation }) => operation.security?.length === 0)
    assert.deepEqual(open.map(({ path }) => path).toSorted(), [
      '/api/v1/login',
      '/api/v1/webhooks/{name}',
      '/healthz',
      '/livez',
      '/readyz',
    ])
  })

  it('closes every JSON body it takes', () => {
    const bodies = operations.flatMap(({ operation }) =>
      Object.entries(operation.requestBody?.content ?? {}),
    )
    assert(bodies.length > 0)
    for (const [type, { schema }] of bodies) {
      assert.equal(type, 'application/json')
      assert.equal((schema as { additionalProperties?: unknown }).additionalProperties, false)
    }
  })
})
