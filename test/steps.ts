import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A command that must exit with 0. */
export interface Check {
  readonly title: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  /** It must also print nothing: gofmt lists files and exits with 0. */
  readonly quiet?: boolean
}

/** A folder of node:test files. */
export interface TestFolder {
  /** From the repository's top. */
  readonly path: string
  /** Files at the same time. */
  readonly concurrency: number
  /** For a test, so that nothing hangs for ever; a file has twice that. */
  readonly timeoutMs: number
  readonly mayBeMissing?: boolean
}

/** A part of `npm test`. */
export interface Step {
  readonly name: string
  readonly title: string
  readonly checks?: readonly Check[]
  readonly tests?: TestFolder
}

const place = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const proto = place('proto')
const engine = place('hub/engine')
const oracles = place('test/oracles')
const load = place('test/load')

/**
 * The wire contract as last released: agents of that release must understand this hub. Renew it
 * with a release, and only then: `cd proto && npx buf build -o groundswell.binpb`.
 */
const releasedProto = 'groundswell.binpb'

/** What `npm test` runs, in order: cheap and telling first. */
export const steps: readonly Step[] = [
  {
    name: 'lint',
    title: 'rules, format, dependencies, wire contract',
    checks: [
      { title: 'oxlint', command: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
      { title: 'prettier', command: 'prettier', args: ['--check', '--log-level=warn', '.'] },
      {
        title: 'no dependency with a known advisory of level high',
        command: process.execPath,
        args: ['test/audit.ts'],
      },
      { title: 'buf lint', command: 'buf', args: ['lint'], cwd: proto },
      {
        title: 'buf breaking',
        command: 'buf',
        args: ['breaking', '--against', releasedProto],
        cwd: proto,
      },
      {
        title: 'proto/gen is what buf makes',
        command: process.execPath,
        args: ['test/check-generated.ts'],
      },
      {
        title: 'deploy/schemas is what the kinds are',
        command: process.execPath,
        args: ['test/generate-schemas.ts', '--check'],
      },
      {
        title: 'hub/client/gen is what the OpenAPI document says',
        command: process.execPath,
        args: ['test/generate-client.ts', '--check'],
      },
      {
        title: 'the reference and the chart’s settings are what the programs read',
        command: process.execPath,
        args: ['test/generate-reference.ts', '--check'],
      },
      { title: 'gofmt', command: 'gofmt', args: ['-l', '.'], cwd: engine, quiet: true },
      { title: 'go vet', command: 'go', args: ['vet', './...'], cwd: engine },
      {
        title: 'gofmt, of oracles',
        command: 'gofmt',
        args: ['-l', '.'],
        cwd: oracles,
        quiet: true,
      },
      { title: 'gofmt, of the load', command: 'gofmt', args: ['-l', '.'], cwd: load, quiet: true },
      { title: 'go vet, of the load', command: 'go', args: ['vet', './...'], cwd: load },
    ],
  },
  {
    name: 'types',
    title: 'TypeScript',
    checks: [
      { title: 'tsc', command: 'tsc', args: ['--noEmit'] },
      {
        title: 'tsc, of the dashboard',
        command: 'tsc',
        args: ['--noEmit', '-p', 'hub/dashboard'],
      },
    ],
  },
  {
    name: 'unit',
    title: 'decisions, without I/O',
    tests: { path: 'test/unit', concurrency: 2, timeoutMs: 60_000 },
    ...(globSync('*_test.go', { cwd: engine }).length > 0
      ? {
          checks: [
            { title: 'go test', command: 'go', args: ['test', '-count=1', './...'], cwd: engine },
          ],
        }
      : {}),
  },
  {
    name: 'integration',
    title: 'adapters against the real thing',
    tests: { path: 'test/integration', concurrency: 2, timeoutMs: 300_000 },
  },
  {
    name: 'e2e',
    title: 'hub, agents and clusters together',
    tests: { path: 'test/e2e', concurrency: 2, timeoutMs: 900_000, mayBeMissing: true },
  },
]
