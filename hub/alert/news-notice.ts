import type { HubEvent } from '../status/event.ts'
import { splitSubject } from './entry-notice.ts'
import type { Notice, NoticeSeverity } from './notice.ts'

/** What is seen rather than decided, by type. What is not here is not told. */
const severities: Readonly<Record<string, NoticeSeverity>> = {
  'cluster.connected': 'info',
  'cluster.disconnected': 'warning',
  'cluster.vetoed': 'warning',
  'cluster.released': 'info',
  'snapshot.refused': 'error',
  'snapshot.equivocated': 'error',
  'audit.contradicted': 'error',
  'drift.detected': 'warning',
  'drift.contested': 'warning',
  'drift.healed': 'info',
  'application.failed': 'error',
  'application.fault': 'error',
  'application.warning': 'warning',
  'fleet.fault': 'error',
  'fleet.warning': 'warning',
  'health.changed': 'info',
}

/** The same seen again within this long is told once, in milliseconds. */
export const quietMs = 5 * 60_000

/** What of an event is worth telling; undefined for one that is not. */
export function noticeOfNews(
  { type, actor, subject, message }: HubEvent,
  now: number,
): Notice | undefined {
  const severity = severities[type] ?? (type.startsWith('trust.') ? 'warning' : undefined)
  if (!severity) return undefined
  const [kind, name] = splitSubject(subject)
  const id = `${type}/${subject}/${message}/${Math.floor(now / quietMs)}`
  return { id, at: now, type, severity, kind, name, actor, message }
}
