import { type OxlintOverride, defineConfig } from 'oxlint'

/*
 * The house rules that a machine can check. `proto` imports nothing of ours, `hub` and `agent`
 * import proto and never each other, `test` imports all. In each, a file is pure (the default) or
 * an adapter, named after the outside system, which alone may import that system's package. What
 * a lint rule cannot say is in test/unit/house-rules.test.ts.
 */

/** Packages that only compute: any file may use them. */
const computing = [
  ...['node:crypto', 'node:path', 'node:url', 'node:util', 'node:zlib'],
  'age-encryption',
  '@marcbachmann/cel-js',
  'openpgp',
  ...['@bufbuild/protobuf', '@bufbuild/protobuf/**', 'cron-parser', 'diff', 'jose', 'semver'],
  ...['typebox', 'typebox/**', 'yaml'],
]

/** Adapters by file name, and the outside system each may import. Types may be imported by all. */
const adapters = {
  bullmq: ['bullmq', 'ioredis'],
  clock: ['node:timers/promises'],
  dns: ['node:dns/promises', 'node:net'],
  fs: ['node:events', 'node:fs', 'node:fs/promises', 'node:readline'],
  'fork-server': ['node:child_process'],
  git: ['node:child_process', 'node:fs/promises'],
  grpc: ['@grpc/grpc-js', 'node:stream', 'node:tls'],
  http: ['undici', 'node:http', 'node:https', 'node:stream/consumers', 'node:tls'],
  kube: [],
  log: ['pino'],
  metrics: ['prom-client'],
  kubeconfig: [
    '@kubernetes/client-node',
    '@kubernetes/client-node/**',
    'node:fs/promises',
    'node:os',
  ],
  net: ['node:http', 'node:net'],
  process: ['node:child_process', 'node:fs/promises', 'node:os'],
  redis: ['ioredis'],
  oidc: ['openid-client', 'undici'],
  'redis-events': ['ioredis'],
  smtp: ['nodemailer', 'node:net'],
  'redis-server': ['node:child_process', 'node:fs/promises', 'node:net', 'node:timers/promises'],
  secretlint: ['@secretlint/core', '@secretlint/secretlint-rule-preset-recommend'],
  sigstore: ['@sigstore/bundle', '@sigstore/protobuf-specs', '@sigstore/verify'],
  undici: ['undici'],
  unix: ['node:fs/promises', 'node:net'],
  v8: ['node:v8', 'node:vm'],
  x509: ['@peculiar/x509', 'reflect-metadata', 'node:fs/promises'],
}
const adapterFiles = Object.keys(adapters).map((name) => `**/${name}.ts`)

/** Of node:crypto, what is not a function of its arguments. */
const random = [
  ...['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID', 'webcrypto'],
  ...['generateKey', 'generateKeySync', 'generateKeyPair', 'generateKeyPairSync'],
]

const handedIn = 'comes in as an argument; main.ts hands it in'

/** Time, chance and the process: pure files and stories get them as arguments. */
const ambient: OxlintOverride['rules'] = {
  'no-restricted-globals': [
    'error',
    {
      globals: [
        ...['process', 'performance', 'crypto', 'fetch', 'WebSocket', 'EventSource'],
        ...['setTimeout', 'setInterval', 'setImmediate'],
      ].map((name) => ({ name, message: `It ${handedIn}.` })),
      checkGlobalObject: true,
    },
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: `The clock ${handedIn}.` },
    { object: 'Math', property: 'random', message: `Chance ${handedIn}.` },
  ],
}
const noAmbient: OxlintOverride['rules'] = {
  'no-restricted-globals': 'off',
  'no-restricted-properties': 'off',
}

/** Refuses every import but files of ours and the packages named; the last pattern counts. */
function allowImports(
  packages: readonly string[],
  refused: readonly string[],
  options: { readonly random?: boolean } = {},
): OxlintOverride['rules'] {
  const own = ['!.', '!..', '!./**', '!../**', '!@groundswell', '!@groundswell/**']
  const group = ['*', ...own, ...packages.map((name) => `!${name}`), ...refused]
  const message =
    'Only adapters import this (oxlint.config.ts); declare a port and have it handed in.'
  const paths = [{ name: 'node:crypto', importNames: random, message: `Chance ${handedIn}.` }]
  return {
    'no-restricted-imports': [
      'error',
      {
        paths: options.random ? [] : paths,
        patterns: [{ group, allowTypeImports: true, message }],
      },
    ],
  }
}

const main = '**/main.ts'
const otherSide = {
  proto: ['**/hub/**', '**/agent/**', '**/test/**'],
  hub: ['**/agent/**', '**/test/**'],
  agent: ['**/hub/**', '**/test/**'],
}

/** The layers of a package: pure files, then one override for each kind of adapter. */
function layer(side: 'proto' | 'hub' | 'agent'): OxlintOverride[] {
  const refused = [main, ...otherSide[side]]
  return [
    {
      files: [`${side}/**/*.ts`],
      rules: { ...ambient, ...allowImports(computing, [...adapterFiles, ...refused]) },
    },
    ...Object.entries(adapters).map(([name, packages]): OxlintOverride => ({
      files: [`${side}/**/${name}.ts`],
      rules: {
        ...noAmbient,
        ...allowImports([...computing, ...packages], refused, { random: true }),
      },
    })),
    {
      // They wire the adapters, so they may import all of them.
      files: [`${side}/main.ts`, `${side}/wiring/*.ts`],
      rules: { ...noAmbient, ...allowImports(['**'], refused, { random: true }) },
    },
  ]
}

/** The CLI talks to the API: of the hub it knows only the shapes of that conversation. */
const apiShapes = [
  ...['client/gen/api.ts', 'client/request.ts'],
  ...['api/problem.ts', 'api/schemas.ts'],
  ...['access/principal.ts', 'errors.ts', 'package.json'],
  // Statements are made on a machine of people's own, by the same code.
  ...['bundle/root-chain.ts', 'bundle/root-draft.ts', 'bundle/sign.ts'],
  ...['bundle/root-warning.ts', 'bundle/root.ts'],
  // A ledger is judged as a file, with no hub to be believed.
  ...['audit/audit.ts', 'audit/export.ts', 'status/event.ts'],
  // Schemas are printed, and other tools' files converted, without a hub.
  ...['fleet/load/json-schema.ts', 'fleet/load/suggest.ts', 'migrate/migrate.ts'],
  // A checkout is looked at without a hub; what does so is handed in, what prints it is pure.
  ...[
    'check/check-markdown.ts',
    'check/comment.ts',
    'check/diff-markdown.ts',
    'check/sarif.ts',
    'check/where.ts',
  ],
  ...['check/fleet-diff.ts', 'check/mask.ts', 'check/object-text.ts', 'check/strategy-diff.ts'],
  'forge/ci.ts',
]
const forCli = [...computing, 'commander']

/** Unit tests are of decisions: what they need of the world they make up. */
const outside = [
  ...new Set(['node:timers', 'node:net', 'node:https', ...Object.values(adapters).flat()]),
]
const noInput = 'Unit tests do no I/O; adapters are tried in test/integration.'

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'oxc', 'promise'],
  categories: { correctness: 'error', suspicious: 'error' },
  ignorePatterns: ['proto/gen', 'hub/client/gen', '.build', 'dist'],
  rules: {
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': [
      'error',
      {
        // The runner waits for these itself.
        allowForKnownSafeCalls: [
          { from: 'package', package: 'node:test', name: ['test', 'suite', 'describe', 'it'] },
        ],
      },
    ],
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/consistent-type-imports': 'error',
    'unicorn/filename-case': ['error', { case: 'kebabCase' }],
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
    'no-console': 'error',

    // Off, each for a reason.
    // Narrowing parsed JSON to what was just checked needs assertions.
    'typescript/no-unsafe-type-assertion': 'off',
    // tsc's noImplicitReturns says it without false alarms at exhaustive switches.
    'typescript/consistent-return': 'off',
    // Said for readers: `Promise<void>` beside `Promise<string>`.
    'typescript/no-unnecessary-type-arguments': 'off',
    // `Known | string` keeps the known words in an editor's suggestions.
    'typescript/no-redundant-type-constituents': 'off',
    // A closure beside its only user reads better than a function far away.
    'unicorn/consistent-function-scoping': 'off',
    // They sort copies: `[...names].sort()`.
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    // reflect-metadata is imported for what it does.
    'import/no-unassigned-import': 'off',
    // fast-check is written `fc.property`, as its own documentation does.
    'import/no-named-as-default-member': 'off',
    // `...['--flag', value]` keeps a flag and its value on one line.
    'unicorn/no-useless-spread': 'off',
    // `name` within `(name) => …` is what it says.
    'no-shadow': 'off',
    // `join_` beside `join`.
    'no-underscore-dangle': 'off',
    // Order is wanted wherever it stands: one write after the other.
    'no-await-in-loop': 'off',
  },
  overrides: [
    ...layer('proto'),
    {
      // protobuf-es and grpc-js meet here; no type of either fits the other.
      files: ['proto/grpc.ts'],
      rules: { 'typescript/no-explicit-any': 'off' },
    },
    ...layer('hub'),
    ...layer('agent'),
    {
      // A process of its own.
      files: ['hub/fork-server/main.ts'],
      rules: {
        ...noAmbient,
        ...allowImports([...computing, 'node:timers/promises'], [...otherSide.hub]),
      },
    },
    {
      // The REST edge, as a whole.
      files: ['hub/api/**/*.ts'],
      rules: {
        ...noAmbient,
        ...allowImports(
          [...computing, 'fastify', '@fastify/*', 'node:events', 'node:fs/promises'],
          [main, ...otherSide.hub],
          { random: true },
        ),
      },
    },
    {
      // It runs in a browser; of the hub it knows the shapes of its answers.
      files: ['hub/dashboard/**/*.{ts,tsx}'],
      rules: {
        ...noAmbient,
        ...allowImports(
          ['preact', 'preact/**', '@preact/signals', 'uplot'],
          [main, ...otherSide.hub, '../../**', '../!(api)/**', '!../../client/**'],
        ),
      },
    },
    {
      files: ['hub/dashboard/vite.config.ts'],
      rules: {
        'import/no-default-export': 'off',
        ...allowImports(['vite', 'node:url'], [], {}),
      },
    },
    {
      files: ['hub/cli/*.ts'],
      rules: allowImports(forCli, ['../**', ...apiShapes.map((path) => `!../${path}`)]),
    },
    {
      files: ['hub/cli/commands/*.ts'],
      rules: allowImports(forCli, ['../../**', ...apiShapes.map((path) => `!../../${path}`)]),
    },
    {
      files: ['hub/cli/oidc.ts'],
      rules: allowImports([...forCli, 'openid-client'], ['../**']),
    },
    {
      files: ['hub/cli/main.ts'],
      rules: {
        ...noAmbient,
        ...allowImports(
          [...forCli, 'node:fs/promises', 'node:timers/promises'],
          ['../**', '!../migrate/fs.ts', '!../wiring/checkout.ts', '!../forge/http.ts'],
        ),
      },
    },
    {
      // Fakes and worlds are closures: nothing in them uses `this`.
      files: ['test/**/*.ts'],
      rules: { 'typescript/unbound-method': 'off' },
    },
    {
      // A test waits for a condition with `until` from test/support, which has a deadline.
      files: ['test/{unit,integration,e2e}/**/*.ts'],
      rules: {
        'no-restricted-imports': ['error', { paths: ['node:timers', 'node:timers/promises'] }],
        'no-restricted-globals': ['error', 'setTimeout', 'setInterval'],
        'no-restricted-properties': [
          'error',
          { object: 'mock', property: 'module', message: 'Hand a fake of our own port in.' },
        ],
      },
    },
    {
      files: ['test/unit/**/*.ts'],
      rules: {
        'no-restricted-imports': ['error', { patterns: [{ group: outside, message: noInput }] }],
      },
    },
    // It reads the sources.
    { files: ['test/unit/house-rules.test.ts'], rules: { 'no-restricted-imports': 'off' } },
    // oxlint wants it so.
    { files: ['oxlint.config.ts'], rules: { 'import/no-default-export': 'off' } },
  ],
})
