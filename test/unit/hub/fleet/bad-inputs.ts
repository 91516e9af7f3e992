import { application, every, head, withTarget, withWave } from './bad-configurations.ts'

/** Rows of the list of bad inputs that configuration can hold; as in bad-configurations.ts. */
export const badInputs: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'B9: home directory',
    application(`source:\n  path: ~/a\n${every}`),
    '7:11',
    /nothing is filled in for ~ and \$/,
  ],
  [
    'B9: variable',
    application(`source:\n  path: $HOME/a\n${every}`),
    '7:11',
    /nothing is filled in for ~ and \$/,
  ],
  [
    'B9: path that should differ by cluster',
    application(`source:\n  path: "a/\${cluster.name}"\n${every}`),
    '7:11',
    /is taken as it is written/,
  ],
  ...['sshCommand: touch /tmp/x', 'config: { core.hooksPath: /x }', 'uploadPack: touch /tmp/x'].map(
    (field) =>
      [
        `B19: ${field.split(':')[0]} of Git`,
        `${head('Repository', 'r')}spec:\n  url: https://git.example/a\n  ${field}\n`,
        '7:3',
        /unknown field/,
      ] as const,
  ),
  [
    'B39: not a number',
    withTarget('clusters: [edge-1]\nvalues:\n  a: .nan'),
    '11:12',
    /not a number JSON can hold/,
  ],
  [
    'B40a: lone surrogate',
    withTarget('clusters: [edge-1]\nvalues:\n  a: "\\uD800"'),
    '11:12',
    /half of a character/,
  ],
  [
    'B77: no waves',
    `${head('RolloutStrategy', 's')}spec:\n  waves: []\n`,
    '6:10',
    /must not be empty/,
  ],
  [
    'B77: 10,000 waves',
    `${head('RolloutStrategy', 's')}spec:\n  waves: [${Array.from({ length: 10_000 }, (_, at) => `{ name: w${at} }`).join(', ')}]\n`,
    '6:10',
    /has 10000 items; at most 200 are allowed/,
  ],
  [
    'B77: negative limit',
    withWave('name: one\nmaxFailures: -1'),
    '8:20',
    /"?-1"? is not a whole number/,
  ],
  ...(
    [
      ['right-to-left override', 'edge\\u202E1'],
      ['zero-width space', 'edge\\u200B1'],
      ['Cyrillic letter', '\\u0435dge-1'],
      ['line break', 'edge\\n1'],
      ['terminal escape', 'edge\\e[31m'],
      ['path', '../edge'],
      ['64 letters', 'e'.repeat(64)],
      ['constructor', 'constructor'],
    ] as const
  ).map(
    ([what, name]) =>
      [
        `B90: name with ${what}`,
        `${head('Cluster', `"${name}"`)}spec: {}\n`,
        '4:9',
        /is not RFC 1123 label/,
      ] as const,
  ),
  [
    'B87: field of another place',
    application(`values: { a: 1 }\nsource:\n  path: a\n${every}`),
    '6:3',
    /unknown field "values", which belongs into spec\.source\.helm or spec\.targets/,
  ],
  [
    'B87: field of another place, deep down',
    withTarget('clusters: [edge-1]\nreleaseName: x'),
    '10:7',
    /unknown field "releaseName", which belongs into spec\.source\.helm/,
  ],
]
