import { head } from './bad-configurations.ts'

const policy = (rule: string) =>
  `${head('Policy', 'p')}spec:\n  images:\n    signatures:\n      - ${rule}\n`

/** As `badConfigurations`: what is wrong about rules for images. */
export const badImages: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'a rule for signatures that names nobody',
    policy('images: [a/*]'),
    '8:9',
    /needs `keys` or `identities`/,
  ],
  [
    'identities that nobody vouches for',
    policy('identities: [{ issuer: "https://i.example", subject: me }]'),
    '8:9',
    /`identities` need `trustedRoot`/,
  ],
  [
    'a trusted root for keys',
    policy('keys: [a.pub]\n        trustedRoot: root.json'),
    '9:22',
    /goes with `identities`/,
  ],
  [
    'a credential for what is in Git',
    policy('keys: [a.pub]\n        layout: signatures\n        credential: x'),
    '10:21',
    /is for a registry, and `layout` is in the fleet repository/,
  ],
  [
    'a condition on what is attested that is no CEL',
    policy(
      'keys: [a.pub]\n        attestation:\n          predicateType: https://x\n          conditions: ["predicate.a =="]',
    ),
    '11:24',
    /character \d+: /,
  ],
  [
    'a condition that names what is not there',
    policy(
      'keys: [a.pub]\n        attestation: { predicateType: https://x, conditions: ["subject.a == 1"] }',
    ),
    '9:63',
    /character 1: Unknown variable: subject/,
  ],
  [
    'where rules of Kyverno look, without any',
    `${head('Policy', 'p')}spec:\n  images: { kyverno: { trustedRoot: root.json } }\n`,
    '6:22',
    /is for rules of Kyverno, which are in `files`/,
  ],
  [
    'B9: a key out of the repository',
    policy('keys: [../a.pub]'),
    '8:16',
    /must be relative and stay in the repository/,
  ],
  [
    'images without any rule',
    `${head('Policy', 'p')}spec:\n  images: {}\n`,
    '6:11',
    /judges nothing/,
  ],
]
