import { createHash } from 'node:crypto'

/* What ConfigMaps hold: a service's properties, with hosts, limits and switches that differ from
   service to service, and a comment here and there. Nothing of it is random to the letter, as
   little of real configuration is; nothing of it is the same from one service to the next either. */

const sections = [
  ...['http.server', 'http.client', 'database.primary', 'database.replica', 'cache.sessions'],
  ...['queue.orders', 'queue.mail', 'search.index', 'auth.tokens', 'metrics.push', 'tracing'],
  ...['storage.uploads', 'feature.checkout', 'feature.recommendations', 'rate-limit', 'audit.log'],
] as const
const hosts = ['orders', 'billing', 'catalog', 'accounts', 'stock', 'search', 'mail', 'ledger']
const zones = ['eu-central-1', 'eu-west-3', 'us-east-2', 'ap-south-1']

type Pick = <T>(from: readonly T[]) => T

const settings: readonly ((pick: Pick, number: (below: number) => number) => string)[] = [
  (_, number) => `timeout-ms = ${(number(60) + 1) * 250}`,
  (_, number) => `max-connections = ${(number(32) + 1) * 8}`,
  (_, number) => `retries = ${number(9)}`,
  (pick) => `enabled = ${pick(['true', 'false'])}`,
  (pick, number) =>
    `url = https://${pick(hosts)}.${pick(zones)}.internal.example:${8000 + number(90)}/api/v${number(4) + 1}`,
  (pick) => `log-level = ${pick(['debug', 'info', 'warn', 'error'])}`,
  (_, number) => `queue-capacity = ${(number(64) + 1) * 128}`,
  (_, number) => `ttl-seconds = ${(number(48) + 1) * 300}`,
  (pick) => `username = ${pick(hosts)}-service`,
  (pick, number) => `bucket = ${pick(hosts)}-${pick(zones)}-${number(1000)}`,
  (_, number) => `sample-rate = 0.${number(100)}`,
  (pick) => `# Raised after the ${pick(hosts)} incident; see the runbook before lowering it.`,
]

/** Properties of a service, at least `bytes` long; each line behind four spaces. */
export function propertiesText(service: string, bytes: number): string {
  let text = ''
  for (let line = 0; text.length < bytes; line++) {
    const hash = createHash('sha256').update(`${service}/${line}`).digest()
    let used = 0
    const number = (below: number): number => hash.readUInt16BE((used += 2)) % below
    const pick: Pick = (from) => from[number(from.length)]!
    const setting = pick(settings)(pick, number)
    const isComment = setting.startsWith('#')
    text += `    ${isComment ? '' : `${sections[line % sections.length]}.`}${setting}\n`
  }
  return text
}

/** The digest an image is pinned by. */
export function imageDigest(service: string): string {
  return `sha256:${createHash('sha256').update(service).digest('hex')}`
}
