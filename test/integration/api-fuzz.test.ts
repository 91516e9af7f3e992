import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import * as fc from 'fast-check'
import { makeAccess } from '../support/access.ts'
import { startApi } from '../support/api.ts'
import { createFakeHub } from '../support/fake-hub.ts'

/* What schemathesis does, from our own OpenAPI document: every operation, by every kind of caller, with
   what the schemas allow and with what they do not. */

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}
interface Operation {
  readonly operationId: string
  readonly parameters?: {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema: Schema
  }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> }
  readonly responses: Record<
    string,
    { readonly content?: Record<string, { readonly schema?: Schema }> }
  >
}

/** Names that are there, so that not all that is asked is for nothing. */
const known = ['lab', 'edge-1', 'shop', 'prod', 'r-1', 'fleet', '3.0']
/** What B71 to B77 and B85, B90 name, and what else tends to break things. */
const nasty: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  ...[
    '',
    ' ',
    '.',
    '..',
    '../x',
    '%2e%2e',
    'a/b',
    'a%2fb',
    '//',
    ';x',
    'NUL\0',
    '\ud800',
    '\u202e',
  ],
  ...['__proto__', 'constructor', 'toString', 'null', 'true', '-1', '0', '1e9', '1e400', 'NaN'],
  ...['x'.repeat(300), 'A', 'é', '＜', '$where', '{{7*7}}', "' or 1=1 --", '*', '(a+)+$', '\n'],
  ...[null, true, -1, 0, 1e308, Number.MAX_SAFE_INTEGER, [], {}, [[]], { a: { b: {} } }],
)

function arbitraryOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(arbitraryOf))
  switch (schema.type ?? '') {
    case 'string':
      return fc.oneof(
        { arbitrary: fc.constantFrom(...known), weight: 4 },
        {
          arbitrary:
            schema.pattern === undefined
              ? fc.string()
              : fc.stringMatching(new RegExp(schema.pattern)),
          weight: 1,
        },
      )
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? -10, max: schema.maximum ?? 1_000 })
    case 'boolean':
      return fc.boolean()
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}), { maxLength: 3 })
    case 'object': {
      const entries = Object.entries(schema.properties ?? {})
      return fc.record(
        Object.fromEntries(entries.map(([name, inner]) => [name, arbitraryOf(inner)])),
        { requiredKeys: (schema.required ?? []) as never[] },
      )
    }
    default:
      return fc.jsonValue()
  }
}

/** Mostly what the schema allows. */
const mostly = (schema: Schema): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: arbitraryOf(schema), weight: 5 }, { arbitrary: nasty, weight: 1 })

function bodyOf(schema: Schema): fc.Arbitrary<string> {
  const good = arbitraryOf(schema)
  const oneWrong = fc
    .tuple(
      good,
      fc.constantFrom(...Object.keys(schema.properties ?? {}), 'typo', '__proto__'),
      nasty,
    )
    .map(
      ([value, name, wrong]) =>
        `${JSON.stringify(value).slice(0, -1)},"${name}":${JSON.stringify(wrong)}}`,
    )
  return fc.oneof(
    { arbitrary: good.map((value) => JSON.stringify(value)), weight: 4 },
    { arbitrary: oneWrong, weight: 2 },
    { arbitrary: nasty.map((value) => JSON.stringify(value)), weight: 1 },
    {
      arbitrary: fc.constantFrom('', '{', '[]', '"', '1e400', '{"a":1e400}', '['.repeat(9_000)),
      weight: 1,
    },
  )
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)
const asked = (value: unknown): string => {
  const text = textOf(value)
  return encodeURIComponent(text.isWellFormed() ? text : 'x')
}

describe('B82: whatever is asked, by whomever', () => {
  const callers = ['', 'forged', 'viewer', 'operator', 'admin', 'tenant', 'nobody'] as const
  it('B71–B77, B82: is answered as documented, and never by a failure of the hub', async () => {
    await using test = await startApi()
    test.hub.access = makeAccess({
      applications: { shop: 'store' },
      roles: { store: [{ name: 'all', groups: ['sellers'], allow: [{ actions: ['*'] }] }] },
    })
    test.callers.set('tenant', { actor: 'oidc:t', role: null, groups: ['sellers'] })
    test.callers.set('nobody', { actor: 'oidc:n', role: null, groups: [] })
    const document = (await test.api.inject('/openapi.json')).json<{
      paths: Record<string, Record<string, Operation>>
    }>()
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema(document, 'openapi')
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
    )
    assert(operations.length > 40)
    const seen = new Map<string, Set<number>>()
    for (const { path, method, operation } of operations) {
      if (operation.operationId === 'streamEvents') continue
      const statuses = new Set<number>()
      seen.set(operation.operationId, statuses)
      const parameters = operation.parameters ?? []
      const required = parameters.filter((one) => one.required)
      const schema = operation.requestBody?.content['application/json']?.schema
      const request = fc.record({
        caller: fc.oneof(fc.constant('admin'), fc.constantFrom(...callers)),
        values: fc.oneof(
          {
            arbitrary: fc.record(
              Object.fromEntries(parameters.map((one) => [one.name, mostly(one.schema)])),
              { requiredKeys: required.map((one) => one.name) },
            ),
            weight: 3,
          },
          // Of many that may be given one is nearly always wrong; what is asked plainly is carried out.
          {
            arbitrary: fc.record(
              Object.fromEntries(required.map((one) => [one.name, arbitraryOf(one.schema)])),
            ),
            weight: 1,
          },
        ),
        stray: fc.oneof(
          { arbitrary: fc.constant(null), weight: 6 },
          { arbitrary: fc.tuple(fc.constantFrom('typo', '__proto__', 'limit'), nasty), weight: 1 },
        ),
        body: schema ? bodyOf(schema) : fc.constant(undefined),
        type: fc.oneof(
          { arbitrary: fc.constant('application/json'), weight: 5 },
          {
            arbitrary: fc.constantFrom(
              ...['application/json; a=b', 'application/json	x', ' application/json'],
              ...['text/plain', 'APPLICATION/JSON', 'application/json garbage', ''],
            ),
            weight: 1,
          },
        ),
        headers: fc.record(
          {
            'if-match': fc.constantFrom('"4"', '*', '"x"', '4', '"99999999999999999"'),
            'if-none-match': fc.constantFrom('*', '"x"', 'W/"x"'),
            'idempotency-key': fc.constantFrom('k', 'x'.repeat(200), 'é', ' '),
            'x-forwarded-for': fc.constant('10.0.0.1'),
            'x-http-method-override': fc.constant('DELETE'),
          },
          { requiredKeys: [] },
        ),
      })
      await fc.assert(
        fc.asyncProperty(request, async ({ caller, values, stray, body, type, headers }) => {
          const inPath = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
            asked((values as Record<string, unknown>)[name]),
          )
          const query = parameters
            .filter((one) => one.in === 'query' && one.name in values)
            .map((one) => `${one.name}=${asked((values as Record<string, unknown>)[one.name])}`)
          if (stray) query.push(`${stray[0]}=${asked(stray[1])}`)
          test.hub.records.splice(0, Infinity, ...createFakeHub().records)
          const response = await test.api.inject({
            method: method.toUpperCase() as 'GET',
            url: `${inPath}${query.length > 0 ? `?${query.join('&')}` : ''}`,
            headers: {
              ...headers,
              ...(caller && { authorization: `Bearer ${caller}` }),
              ...(body !== undefined && { 'content-type': type }),
            },
            ...(body !== undefined && { payload: body }),
          })
          const { statusCode } = response
          statuses.add(statusCode)
          const what = `${caller} ${method} ${inPath} → ${statusCode} ${response.body}`
          assert(statusCode < 500, what)
          if (statusCode === 304 || statusCode === 204) return assert.equal(response.body, '', what)
          const name = String(statusCode) in operation.responses ? String(statusCode) : 'default'
          const documented = operation.responses[name]
          if (!documented) return assert(statusCode >= 400, what)
          const pointer = ['paths', path, method, 'responses', name, 'content']
          const [media] = Object.keys(documented.content ?? {})
          if (statusCode >= 400) {
            assert.match(
              String(response.headers['content-type']),
              /^application\/problem\+json/,
              what,
            )
          }
          if (media && statusCode >= 400) assert.equal(media, 'application/problem+json', what)
          if (!media || !documented.content![media]!.schema) return
          if (!/json/.test(String(response.headers['content-type']))) return
          const at = [...pointer, media, 'schema'].map((part) =>
            encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')),
          )
          const validate = ajv.getSchema(`openapi#/${at.join('/')}`)
          assert(validate, at.join('/'))
          assert(validate(response.json()), `${what}: ${ajv.errorsText(validate.errors)}`)
        }),
        { numRuns: runs },
      )
    }
    const done = [...seen.values()].filter((statuses) => [...statuses].some((one) => one < 300))
    assert(done.length > seen.size / 2, `only ${done.length} of ${seen.size} were ever carried out`)
  })
})

/** Of each operation; more by `GROUNDSWELL_RUNS`. */
const runs = Number(process.env['GROUNDSWELL_RUNS'] ?? 40)
