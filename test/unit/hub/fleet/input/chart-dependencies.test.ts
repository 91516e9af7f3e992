import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HubError } from '../../../../../hub/errors.ts'
import {
  type ChartInGit,
  listLockedCharts,
} from '../../../../../hub/fleet/input/chart-dependencies.ts'

/* A chart and its lock as `helm dependency update` of Helm 4 wrote it. */
const repository = 'http://127.0.0.1:45733/charts'
const chart = `apiVersion: v2
name: shop
version: 1.0.0
dependencies:
  - name: cache
    version: ^1.0
    repository: ${repository}
    alias: first
    condition: first.enabled
    tags: [back, 'a<b&c']
  - name: cache
    version: 1.2.0
    repository: ${repository}
    alias: second
    import-values:
      - data
      - child: x.y
        parent: z
  - name: queue
    version: ">=3.0.0 <4"
    repository: ${repository}
`
const lock = `dependencies:
- name: cache
  repository: ${repository}
  version: 1.10.0
- name: cache
  repository: ${repository}
  version: 1.2.0
- name: queue
  repository: ${repository}
  version: 3.0.1
digest: sha256:ade2f84cecd126ca2f38c3dedf7ccd7baf4ac718c730cd7346312a72b32d2439
generated: "2026-11-26T09:24:49.77871381Z"
`
/* Of Go's own JSON of Helm's own type, hashed as Helm 2 did. */
const helm2 = 'sha256:63fc76d778f8a9f4591060c7493256a9b4289a50163934e872cf0c5c41b2dd6d'
const list = (given: Partial<ChartInGit> = {}) =>
  listLockedCharts({
    ...{ application: 'shop', directory: 'charts/shop', chart, lock },
    ...{ isVendored: () => false, whyRefused: () => undefined, ...given },
  })
const refuses = (given: Partial<ChartInGit>, file: string, message: string) =>
  assert.throws(
    () => list(given),
    (error) => {
      assert.ok(error instanceof HubError && error.code === 'render_failed', String(error))
      assert.deepEqual(error.faults, [{ file, object: 'Application shop', message }])
      return true
    },
  )

describe('dependencies of a chart in Git', () => {
  test('are those its lock names, by the digest that Helm gives it', () => {
    const of = (name: string, version: string) => ({ repo: repository, chart: name, version })
    assert.deepEqual(list(), [of('cache', '1.10.0'), of('cache', '1.2.0'), of('queue', '3.0.1')])
    assert.deepEqual(list({ isVendored: (name) => name === 'cache' }), [of('queue', '3.0.1')])
    assert.deepEqual(list({ isVendored: () => true, lock: undefined }), [])
    assert.deepEqual(list({ chart: 'name: shop\n' }), [])
  })

  test('without a lock, or with one of other dependencies, are refused with what to do', () => {
    const update = 'run `helm dependency update` and commit Chart.lock'
    refuses(
      { lock: undefined },
      'charts/shop/Chart.yaml',
      `dependency "cache": is neither in charts/ nor pinned by a Chart.lock; ${update}`,
    )
    for (const [given, words] of [
      [{ chart: chart.replace('^1.0', '^1.1') }, 'a range that was changed'],
      [{ chart: chart.replace('second', 'third') }, 'another alias'],
      [{ lock: lock.replace('version: 3.0.1', 'version: 3.0.2') }, 'another version'],
      [
        { lock: lock.replace('45733/charts\n  version: 3', '45733/evil\n  version: 3') },
        'elsewhere',
      ],
      [{ lock: '' }, 'nothing'],
      [{ lock: '[' }, 'no YAML'],
    ] as const) {
      assert.throws(
        () => list(given),
        /charts\/shop\/Chart.lock: is of other dependencies than Chart.yaml; run `helm/,
        words,
      )
    }
  })

  test('of a chart of API v1 are in files of their own, with the digest of Helm 3 and later or of Helm 2', () => {
    const legacy = { isLegacy: true, chart: chart.slice(chart.indexOf('dependencies:')) }
    assert.equal(list(legacy).length, 3)
    // What `helm dependency update` of Helm 2 hashed: the requirements alone.
    const old = lock.replace(/digest: .*/, `digest: ${helm2}`)
    assert.equal(list({ ...legacy, lock: old }).length, 3)
    assert.throws(() => list({ lock: old }), /Chart.lock: is of other dependencies/)
    const update = 'run `helm dependency update` and commit requirements.lock'
    refuses(
      { ...legacy, lock: undefined },
      'charts/shop/requirements.yaml',
      `dependency "cache": is neither in charts/ nor pinned by a requirements.lock; ${update}`,
    )
    refuses(
      { ...legacy, chart: legacy.chart.replace('^1.0', '^1.1') },
      'charts/shop/requirements.lock',
      `is of other dependencies than requirements.yaml; ${update}`,
    )
  })

  test('are asked for with the credential that the application names', () => {
    const [first] = list({ credential: 'charts' })
    assert.deepEqual(first, {
      ...{ repo: repository, chart: 'cache', version: '1.10.0', credential: 'charts' },
    })
  })

  test('B29: of repositories that are none, or not allowed, are refused before anything is asked', () => {
    for (const [address, where] of [
      ['"@stable"', 'the repository "@stable"'],
      ['""', 'no repository'],
      ['http://charts.example.com', 'the repository "http://charts.example.com"'],
      ['https://a.example/?x=y', 'the repository "https://a.example/?x=y"'],
    ] as const) {
      refuses(
        { chart: `dependencies: [{ name: cache, version: 1.0.0, repository: ${address} }]` },
        'charts/shop/Chart.yaml',
        `dependency "cache": is not in charts/ and has ${where}; write https://… or oci://…, or commit it into charts/`,
      )
    }
    refuses(
      { whyRefused: (repo) => `no ${repo}` },
      'charts/shop/Chart.yaml',
      `dependency "cache": no ${repository}`,
    )
  })
})
