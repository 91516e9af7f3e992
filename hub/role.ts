import type { Setting, Settings } from '@groundswell/proto/settings.ts'

/** What a hub's process does: all of it, or one part of three. */
export const roles = ['all', 'api', 'renderer', 'signer'] as const
export type Role = (typeof roles)[number]

/** Replicas are whole hubs, or front ends of one signer and one renderer. */
const ofReplicas = ['replica', 'lease', 'shared', 'peerHost', 'peerPort']

/** Settings that only some roles have a use for; the others are of every role. */
const settingsOf: Readonly<Record<Exclude<Role, 'all'>, readonly string[]>> = {
  api: [
    ...[
      'redis',
      'host',
      'apiPort',
      'enrolPort',
      'otlp',
      'dataPort',
      'certificateLife',
      'authorityLife',
      'enrolRate',
    ],
    ...['connectionAge', 'handshakes', 'keyExchange'],
    ...[
      'advertise',
      'tokens',
      'oidc',
      'webhookSecretFile',
      'webhookSecrets',
      'forges',
      'gateCredentials',
      'gateHosts',
      'alertCredentials',
      'alertHosts',
      'ledgerRemote',
      'ledgerCredential',
      'ledgerSigningKey',
      'offlineGrace',
      'removalGrace',
    ],
    ...ofReplicas,
  ],
  renderer: [
    ...['fleet', 'branch', 'path', 'interval', 'redis', 'credentials', 'engine', 'workers'],
    ...['allowFile', 'sourceHosts', 'signers', 'fleetSigners', 'kubeconfig'],
    ...['metricsPort', 'host', 'otlp'],
  ],
  signer: ['signerPolicy', 'metricsPort', 'host'],
}
const owned = new Set(Object.values(settingsOf).flat())

export interface ForeignSettings {
  /** Given on the command line, where somebody meant this very process. */
  readonly faults: readonly string[]
  /** From a file or environment that roles may share; they are not used. */
  readonly warnings: readonly string[]
}

/** Settings that a role was given and has no use for: a secret told to the wrong process is no secret. */
export function listForeignSettings(
  role: Role,
  table: readonly Setting[],
  settings: Settings,
): ForeignSettings {
  const given = table.flatMap(({ key, flag }) => {
    const from = settings.get(key)?.from ?? 'default'
    if (from === 'default' || isOf(role, key)) return []
    const words = role === 'all' ? 'is for a hub of several roles' : `is not for --role ${role}`
    const why = ofReplicas.includes(key) ? '; a replica is a whole hub, or its front end' : ''
    return [{ from, text: `--${flag}: ${words}${why}` }]
  })
  return {
    faults: given.filter(({ from }) => from === 'flag').map(({ text }) => text),
    warnings: given.filter(({ from }) => from !== 'flag').map(({ text }) => text),
  }
}

function isOf(role: Role, key: string): boolean {
  if (role === 'all') return key !== 'sockets' && key !== 'metricsPort'
  return settingsOf[role].includes(key) || !owned.has(key)
}
