import { inSpec } from './yaml-table.ts'

/** What Kubernetes takes with a shrug and we refuse, in words of ours and with the line. */
export const refusals: readonly (readonly [string, string, RegExp])[] = [
  ['a key given twice', inSpec('a: 1\nb: 2\na: 3'), /^a\.yaml:8: .*"a" already set/],
  ['a key given twice in flow style', inSpec('a: {b: 1, b: 2}'), /^a\.yaml:6: .*already set/],
  [
    'a key given twice in JSON',
    '{"apiVersion":"v1","kind":"A","kind":"A"}',
    /duplicate|already set/,
  ],
  [
    'a key given twice beside a merge',
    inSpec('x: &x {a: 1}\nb:\n  <<: *x\n  c: 1\n  c: 2'),
    /"c" already set/,
  ],
  [
    'a number and its text as keys',
    inSpec('b:\n  1: x\n  "1": y'),
    /^a\.yaml:8: .*"1" already set/,
  ],
  ['a key called __proto__', inSpec('a:\n  __proto__: {x: 1}'), /^a\.yaml:7: .*__proto__/],
  [
    'a key called __proto__, in quotes',
    inSpec('list:\n- "__proto__": 1'),
    /^a\.yaml:7: .*__proto__/,
  ],
  ['a key called __proto__ in JSON', '{"a":{"__proto__":1}}', /^a\.yaml:1: .*__proto__/],
  ['a byte order mark', `\ufeff${inSpec('a: 1')}`, /^a\.yaml:1: .*byte order mark/],
  [
    'a byte order mark between files',
    `${inSpec('a: 1')}\ufeff---\n`,
    /^a\.yaml:7: .*byte order mark/,
  ],
  ['a NUL', inSpec('a: "x\0y"'), /^a\.yaml:6: .*NUL/],
  ['a control character', inSpec('a: x\u0001y'), /^a\.yaml:6: .*U\+0001/],
  ['a delete character', inSpec('b: 1\na: x\u007fy'), /^a\.yaml:7: .*U\+007F/],
  ['!!binary', inSpec('a: !!binary aGk='), /^a\.yaml:6: .*!!binary/],
  ['!!js/function', inSpec('b: 1\na: !!js/function "x"'), /^a\.yaml:7: .*js\/function/],
  ['a tag of one’s own', inSpec('a: !mine x'), /^a\.yaml:6: .*!mine/],
  ['a tag of one’s own on a map', inSpec('a: !mine {b: c}'), /^a\.yaml:6: .*!mine/],
  ['!!set', inSpec('a: !!set {b, c}'), /^a\.yaml:6: .*!!set/],
  ['!!omap', inSpec('a: !!omap [b: 1]'), /^a\.yaml:6: .*!!omap/],
  ['!!timestamp', inSpec('a: !!timestamp 2024-01-01'), /^a\.yaml:6: .*!!timestamp/],
  [
    'a tag in the second document',
    `${inSpec('a: 1')}---\n${inSpec('a: !x 1')}`,
    /^a\.yaml:13: .*!x/,
  ],
  ['tabs as indentation', inSpec('a:\n\tb: 1'), /^a\.yaml:7: .*cannot start any token/],
  [
    'aliases that multiply',
    inSpec(
      `a: &a [${'x,'.repeat(9)}x]\n${Array.from({ length: 9 }, (_, at) => `${'bcdefghij'[at]}: &${'bcdefghij'[at]} [${`*${'abcdefghi'[at]},`.repeat(9)}*${'abcdefghi'[at]}]`).join('\n')}`,
    ),
    /^a\.yaml:7: .*excessive aliasing/,
  ],
  ['a list of nothing at all', 'apiVersion: v1\nkind: List\n', /^a\.yaml:1: .*List without items/],
  ['an alias of nothing', inSpec('b: 1\na: *x'), /^a\.yaml:7: .*unknown anchor/],
  ['an endless number', inSpec('a: 1\nb: .inf'), /^a\.yaml:\d+: .*Inf/],
]
