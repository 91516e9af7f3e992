import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { parse } from 'yaml'
import {
  escapeLine,
  formatAge,
  formatFields,
  formatJson,
  formatTable,
} from '../../../../hub/cli/output.ts'
import { formatYaml } from '../../../../hub/cli/yaml-output.ts'

const hostile = '\u001b[2Jwiped\u0007\u009b31m\u202egnp\u2066\r\nnext\t\u007f'
const control = /(?!\n)[\p{Cc}\p{Bidi_Control}]/u

describe('escapeLine', () => {
  it('shows control characters instead of sending them', () => {
    assert.equal(escapeLine('a\u001b[2J\n\tb\u202e'), String.raw`a\u001b[2J\n\tb\u202e`)
  })

  it('leaves plain text of any script alone', () => {
    assert.equal(escapeLine('Groß – 集群 ✓ 🌊'), 'Groß – 集群 ✓ 🌊')
  })
})

describe('formatTable', () => {
  it('aligns columns, shows nothing as a dash, and ends lines without blanks', () => {
    const table = formatTable([
      ['NAME', 'STATE', 'MESSAGE'],
      ['edge-1', '', 'ok'],
      ['x', 'Failed', ''],
    ])
    assert.equal(table, 'NAME     STATE    MESSAGE\nedge-1   -        ok\nx        Failed   -\n')
  })

  it('keeps the widths of rows printed before', () => {
    const widths: number[] = []
    formatTable([['a-long-name', 'b']], widths)
    assert.equal(formatTable([['a', 'b']], widths), 'a             b\n')
  })

  it('never sends a control character, and keeps one line a row', () => {
    const table = formatTable([[hostile, 'x']])
    assert.doesNotMatch(table, control)
    assert.equal(table.split('\n').length, 2)
  })
})

describe('formatFields', () => {
  it('sets further lines in under the first', () => {
    assert.equal(
      formatFields([
        ['A', '1\n2'],
        ['Long', ''],
      ]),
      'A:      1\n        2\nLong:   -\n',
    )
  })
})

describe('formatJson and formatYaml', () => {
  for (const [name, format, read] of [
    ['JSON', formatJson, (text: string): unknown => JSON.parse(text)],
    ['YAML', formatYaml, (text: string): unknown => parse(text)],
  ] as const) {
    it(`${name}: carries any text over unchanged, without control characters`, () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), (text) => {
          const value = { text, list: [text, hostile], [`k${text}`]: hostile }
          const output = format(value)
          assert.doesNotMatch(output, control)
          assert.deepEqual(read(output), value)
        }),
      )
    })
  }
})

describe('formatAge', () => {
  const now = Date.parse('2026-01-10T00:00:00Z')
  const cases: [string | null, string][] = [
    [null, 'never'],
    ['2026-01-09T23:59:15Z', '45s'],
    ['2026-01-09T23:50:00Z', '10m'],
    ['2026-01-09T20:00:00Z', '4h'],
    ['2026-01-01T00:00:00Z', '9d'],
    ['2026-01-10T00:00:09Z', '0s'],
  ]
  for (const [at, expected] of cases)
    it(`${at} is ${expected}`, () => {
      assert.equal(formatAge(at, now), expected)
    })
})
