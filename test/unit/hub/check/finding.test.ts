import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reportConfiguration } from '../../../../hub/check/check.ts'
import { formatCheckMarkdown, summarizeCheck } from '../../../../hub/check/check-markdown.ts'
import { findRenderFaults, mergeFindings } from '../../../../hub/check/finding.ts'
import { markdownLimit } from '../../../../hub/check/markdown.ts'
import { toCheckSarif } from '../../../../hub/check/sarif.ts'
import { describeClusters } from '../../../../hub/check/where.ts'
import { HubError } from '../../../../hub/errors.ts'
import type { Declared } from '../../../../hub/fleet/fleet.ts'
import type { ApplicationSpec } from '../../../../hub/fleet/kinds/application.ts'

const shop: Declared<ApplicationSpec> = {
  ...{ name: 'shop', labels: {}, annotations: {}, file: 'fleet/shop.yaml', line: 4 },
  spec: { source: { path: 'apps/shop', repository: 'other' }, targets: [] },
}
const failure = new HubError('render_failed', 'no', {
  faults: [{ file: 'apps/shop/a.yaml', line: 2, message: 'is no YAML' }],
})

describe('findings', () => {
  it('are told once for all clusters they are true of, errors first', () => {
    const found = ['b', 'a', 'b'].flatMap((cluster) => findRenderFaults(failure, shop, cluster))
    const warning = { ...found[0]!, severity: 'warning', file: 'a' } as const
    const merged = mergeFindings([warning, ...found])
    assert.deepEqual(
      merged.map(({ severity, clusters }) => [severity, clusters]),
      [
        ['error', ['a', 'b']],
        ['warning', ['b']],
      ],
    )
  })

  it('of files elsewhere are shown where the application is declared', () => {
    const [finding] = findRenderFaults(failure, shop, 'a')
    assert.equal(finding!.repository, 'other')
    assert.deepEqual(finding!.anchor, { file: 'fleet/shop.yaml', line: 4 })
    const report = {
      ...reportConfiguration('main', new HubError('fleet_invalid', '')),
      findings: [finding!],
    }
    const sarif = JSON.stringify(toCheckSarif(report, '1'))
    assert.match(sarif, /"text":"is no YAML \(other: apps\/shop\/a\.yaml:2\); on cluster a"/)
    assert.match(sarif, /"uri":"fleet\/shop\.yaml"/)
    assert.match(sarif, /"region":\{"startLine":4\}/)
  })

  it('without a place of their own are told where the application is declared', () => {
    const [finding] = findRenderFaults(new Error('broke'), shop, 'a')
    assert.deepEqual(
      [finding!.file, finding!.line, finding!.message],
      ['fleet/shop.yaml', 4, 'broke'],
    )
  })
})

describe('clusters in words', () => {
  it('counts them, and names one', () => {
    assert.equal(describeClusters([], 3), '')
    assert.equal(describeClusters(['a'], 3), 'cluster a')
    assert.equal(describeClusters(['a', 'b'], 3), '2 clusters, such as a')
    assert.equal(describeClusters(['a', 'b', 'c'], 3), 'all 3 clusters')
  })
})

describe('a check as markdown', () => {
  const reportOf = (...messages: string[]) =>
    reportConfiguration(
      'main',
      new HubError('fleet_invalid', '', { faults: messages.map((message) => ({ message })) }),
    )

  it('lets nothing of what it quotes be markup, a link, a mention or a line of its own', () => {
    const text = formatCheckMarkdown(reportOf('@all <img src=x> [a](http://b) **c**\n# d `e`'))
    assert.doesNotMatch(text, /@all|<img|\]\(|\*\*c|\n# d|`e`/)
  })

  it('fits into a comment, and says how much is left out', () => {
    const text = formatCheckMarkdown(
      reportOf(...Array.from({ length: 900 }, (_, i) => `${i} ${'x'.repeat(200)}`)),
    )
    assert.ok(text.length <= markdownLimit, String(text.length))
    assert.match(text, /… and \d+ more\.\n$/)
  })

  it('has a line that says it all', () => {
    assert.equal(
      summarizeCheck(reportOf('a', 'b')),
      'failed: 2 errors; 0 applications on 0 clusters',
    )
  })
})
