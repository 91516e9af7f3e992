import { matchesAnyGlob, matchesGlob } from '@groundswell/proto/glob.ts'
import type { Declared, Fleet } from '../fleet/fleet.ts'
import { listGroupMembers } from '../fleet/resolve/group.ts'
import type { AlertSpec, NotificationProviderSpec } from '../fleet/kinds/notification.ts'
import { type Notice, noticeSeverities } from './notice.ts'

/** An alert that a notice is for, and whom it is told. */
export interface Match {
  readonly alert: Declared<AlertSpec>
  readonly provider: Declared<NotificationProviderSpec>
}

type Source = AlertSpec['eventSources'][number]
type Part = Pick<Fleet, 'alerts' | 'notificationProviders' | 'applications' | 'clusters' | 'groups'>

/** Whom a notice is told, each provider once: by the first alert, by name, that asks for it. */
export function matchAlerts(notice: Notice, fleet: Part): Match[] {
  const found = new Map<string, Match>()
  for (const alert of [...fleet.alerts.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (alert.spec.suspend || !wants(alert.spec, notice, fleet)) continue
    for (const name of alert.spec.providers) {
      const provider = fleet.notificationProviders.get(name)
      if (!provider || provider.spec.suspend || found.has(name)) continue
      found.set(name, { alert, provider })
    }
  }
  return [...found.values()]
}

function wants(spec: AlertSpec, notice: Notice, fleet: Part): boolean {
  const { severity = 'info', types, include, exclude = [], eventSources } = spec
  const rank = (one: Notice['severity']) => noticeSeverities.indexOf(one)
  return (
    rank(notice.severity) >= rank(severity) &&
    (types === undefined || matchesAnyGlob(types, notice.type)) &&
    (include === undefined || matchesText(include, notice.message)) &&
    !matchesText(exclude, notice.message) &&
    eventSources.some((source) => isFrom(source, notice, fleet))
  )
}

function isFrom(source: Source, { kind, name }: Notice, fleet: Part): boolean {
  if (source.kind !== kind) return false
  if (source.name !== undefined && !matchesGlob(source.name, name)) return false
  if (source.clusterGroup !== undefined) {
    const group = fleet.groups.get(source.clusterGroup)
    if (!group || !listGroupMembers(group, fleet.clusters).includes(name)) return false
  }
  if (source.matchLabels === undefined) return true
  const labels = (kind === 'Cluster' ? fleet.clusters : fleet.applications).get(name)?.labels ?? {}
  return Object.entries(source.matchLabels).every(([key, value]) => labels[key] === value)
}

/** Globs of names stop at a slash; those of messages do not. */
function matchesText(globs: readonly string[], text: string): boolean {
  const flat = (given: string) => given.replaceAll('/', '\u2215').replaceAll('\n', ' ')
  return matchesAnyGlob(globs.map(flat), flat(text))
}
