import assert from 'node:assert/strict'
import { parseAllDocuments } from 'yaml'
import type { Fleet } from '../../../../hub/fleet/fleet.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import { resolveTargets } from '../../../../hub/fleet/resolve/resolve.ts'
import { migrations, toFleetFiles } from '../../../../hub/migrate/migrate.ts'

export interface Migrated {
  /** Loaded as the hub would: a fault fails the test. */
  readonly fleet: Fleet
  /** Parsed again from the text that is written; the spec alone. */
  readonly spec: (kind: string, name: string) => Record<string, unknown>
  /** `Kind name`, in the order they are written. */
  readonly names: readonly string[]
  /** `file:line: message`. */
  readonly gaps: readonly string[]
  /** `application@cluster`, those that get it. */
  readonly places: readonly string[]
}

/** Files of another tool, converted, written, and loaded as the hub would. */
export function migrate(tool: string, files: Readonly<Record<string, string>>): Migrated {
  const migration = migrations[tool]!.convert(
    Object.entries(files).map(([path, text]) => ({ path, text })),
  )
  const written = toFleetFiles(migration)
  const fleet = loadFleet(
    `main@sha1:${'0'.repeat(40)}`,
    written.map(({ path, text }) => ({ path, bytes: Buffer.from(text) })),
  )
  const documents = written
    .flatMap(({ text }) => parseAllDocuments(text))
    .map(
      (document) => document.toJS() as { kind: string; metadata: { name: string }; spec: object },
    )
  const names = documents.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  return {
    fleet,
    names,
    spec: (kind, name) => {
      const found = documents.find((one) => one.kind === kind && one.metadata.name === name)
      assert.ok(found, `there is no ${kind} ${name}: ${names.join(', ')}`)
      return found.spec as Record<string, unknown>
    },
    gaps: migration.gaps.map(({ file, line, message }) => `${file}:${line}: ${message}`),
    places: resolveTargets(fleet).targets.map(
      ({ application, cluster }) => `${application}@${cluster}`,
    ),
  }
}

/** Fails unless each pattern fits one gap of its own, and none is left. */
export function assertGaps(gaps: readonly string[], expected: readonly RegExp[]): void {
  const left = [...gaps]
  for (const pattern of expected) {
    const at = left.findIndex((gap) => pattern.test(gap))
    assert.ok(at >= 0, `no gap is ${pattern}:\n${gaps.join('\n')}`)
    left.splice(at, 1)
  }
  assert.deepEqual(left, [])
}
