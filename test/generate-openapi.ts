import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/*
 * Writes hub/engine/openapi-1.*.json.gz anew: what the OpenAPI of each minor version of Kubernetes
 * says that decides whether an object is well formed, without descriptions. Needs Go and its proxy,
 * and some 120 MB of disk for each version. A new version: add it here and, when it is the newest,
 * in hub/engine/policy_schema.go.
 */

const versions = ['v1.31.14', 'v1.32.13', 'v1.33.13', 'v1.34.4', 'v1.35.4', 'v1.36.3', 'v1.37.1']

const engine = fileURLToPath(new URL('../hub/engine/', import.meta.url))
const kept = new Set([
  ...['type', 'format', 'properties', 'items', 'additionalProperties', 'required', '$ref'],
  'x-kubernetes-preserve-unknown-fields',
])

interface Schema {
  readonly [member: string]: unknown
}

interface Swagger {
  readonly definitions: Readonly<Record<string, Schema>>
}

interface Gvk {
  readonly group: string
  readonly version: string
  readonly kind: string
}

for (const version of versions) {
  const args = ['mod', 'download', '-json', `k8s.io/kubernetes@${version}`]
  const { Dir } = JSON.parse(
    execFileSync('go', args, { encoding: 'utf8', env: { ...process.env, GOFLAGS: '-mod=mod' } }),
  ) as { Dir: string }
  const swagger = JSON.parse(
    readFileSync(join(Dir, 'api/openapi-spec/swagger.json'), 'utf8'),
  ) as Swagger
  const minor = /^v(1\.\d+)/.exec(version)![1]!
  const text = JSON.stringify(compact(swagger))
  writeFileSync(join(engine, `openapi-${minor}.json.gz`), gzipSync(text, { level: 9 }))
}

function compact({ definitions }: Swagger) {
  const kinds: Record<string, string> = {}
  for (const [name, schema] of Object.entries(definitions).sort(byKey)) {
    const named = (schema['x-kubernetes-group-version-kind'] ?? []) as readonly Gvk[]
    for (const { group, version, kind } of named) {
      // What is no object of its own: lists, and what belongs to every group.
      if (kind.endsWith('List') || name.includes('.apis.meta.')) continue
      kinds[`${group}/${version}/${kind}`] = name
    }
  }
  const reached: Record<string, unknown> = {}
  const visit = (name: string): void => {
    if (Object.hasOwn(reached, name)) return
    reached[name] = null
    reached[name] = strip(definitions[name]!, visit)
  }
  for (const name of Object.values(kinds)) visit(name)
  const sorted = Object.fromEntries(Object.entries(reached).sort(byKey))
  return { kinds, definitions: sorted }
}

function strip(schema: Schema, visit: (name: string) => void): Schema {
  const made: Record<string, unknown> = {}
  for (const [member, value] of Object.entries(schema).sort(byKey)) {
    if (!kept.has(member)) continue
    if (member === '$ref') {
      const name = String(value).split('/').at(-1)!
      visit(name)
      made[member] = name
    } else if (member === 'properties') {
      made[member] = Object.fromEntries(
        Object.entries(value as Record<string, Schema>)
          .sort(byKey)
          .map(([name, property]) => [name, strip(property, visit)]),
      )
    } else if (member === 'items' || member === 'additionalProperties') {
      made[member] = strip(value as Schema, visit)
    } else made[member] = value
  }
  return made
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
