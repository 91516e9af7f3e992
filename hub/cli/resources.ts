import { shortRevision } from '@groundswell/proto/revision.ts'
import { stateOfSource } from './source-state.ts'
import { CliFailure } from './failure.ts'
import { formatAge, formatLabels } from './output.ts'
import { defineResource, type Resource } from './resource.ts'

const clusters = defineResource({
  singular: 'cluster',
  list: 'listClusters',
  get: 'getCluster',
  pathOf: (name) => ({ path: { name } }),
  nameOf: (cluster) => cluster.name,
  columns: [
    { title: 'NAME', cell: (c) => c.name },
    { title: 'STATE', cell: (c) => (c.suspended ? `${c.lifecycle},Suspended` : c.lifecycle) },
    {
      title: 'CONNECTION',
      cell: (c) =>
        c.refusal
          ? 'Refusing'
          : c.stale
            ? 'Stale'
            : c.holds?.length
              ? `${c.connection.state},Vetoed`
              : c.connection.state,
    },
    { title: 'APPS', cell: (c) => c.counts.applications },
    { title: 'UPDATED', cell: (c) => c.counts.updated },
    { title: 'FAILED', cell: (c) => c.counts.failed },
    { title: 'DRIFTED', cell: (c) => c.driftedObjects },
    { title: 'LAG', cell: (c) => (c.lagSeconds === null ? '' : `${Math.round(c.lagSeconds)}s`) },
    { title: 'KUBERNETES', cell: (c) => c.kubernetesVersion },
    { title: 'SEEN', cell: (c, now) => formatAge(c.lastSeen, now) },
    { title: 'NODES', wide: true, cell: (c) => c.nodes },
    { title: 'AGENT', wide: true, cell: (c) => c.agentVersion },
    { title: 'SEQUENCE', wide: true, cell: (c) => `${c.acceptedSequence}/${c.offeredSequence}` },
    { title: 'GROUPS', wide: true, cell: (c) => c.groups.join(',') },
    { title: 'LABELS', wide: true, cell: (c) => formatLabels(c.labels) },
  ],
})

const groups = defineResource({
  singular: 'group',
  list: 'listGroups',
  get: 'getGroup',
  pathOf: (name) => ({ path: { name } }),
  nameOf: (group) => group.name,
  columns: [
    { title: 'NAME', cell: (g) => g.name },
    { title: 'CLUSTERS', cell: (g) => g.counts.clusters },
    { title: 'CONNECTED', cell: (g) => g.counts.connected },
    { title: 'UNREACHABLE', cell: (g) => g.counts.unreachable },
    { title: 'MEMBERS', wide: true, cell: (g) => g.clusters.join(',') },
    { title: 'LABELS', wide: true, cell: (g) => formatLabels(g.labels) },
  ],
})

const applications = defineResource({
  singular: 'application',
  list: 'listApplications',
  get: 'getApplication',
  pathOf: (name) => ({ path: { name } }),
  nameOf: (application) => application.name,
  columns: [
    { title: 'NAME', cell: (a) => a.name },
    { title: 'REVISION', cell: (a) => shortRevision(a.revision ?? '') },
    { title: 'TARGETS', cell: (a) => a.targets },
    { title: 'UPDATED', cell: (a) => a.counts.updated },
    { title: 'PENDING', cell: (a) => a.counts.pending },
    { title: 'BEHIND', cell: (a) => a.behind ?? '' },
    { title: 'FAILED', cell: (a) => a.counts.failed },
    { title: 'UNREACHABLE', cell: (a) => a.counts.unreachable },
    { title: 'DRIFTED', cell: (a) => a.counts.drifted },
    { title: 'ROLLOUT', cell: (a) => (a.rollout ? `${a.rollout.id} ${a.rollout.phase}` : '') },
    { title: 'HOLD', cell: (a) => (a.hold ? shortRevision(a.hold.revision) : '') },
    { title: 'FAULTS', cell: (a) => a.faults?.length || '' },
    { title: 'SOURCE', wide: true, cell: (a) => `${a.source.repository}/${a.source.path}` },
    { title: 'STRATEGY', wide: true, cell: (a) => a.strategy },
    { title: 'LABELS', wide: true, cell: (a) => formatLabels(a.labels) },
  ],
})

const rollouts = defineResource({
  singular: 'rollout',
  list: 'listRollouts',
  get: 'getRollout',
  pathOf: (id) => ({ path: { id } }),
  nameOf: (rollout) => rollout.id,
  columns: [
    { title: 'NAME', cell: (r) => r.id },
    { title: 'APPLICATION', cell: (r) => r.application },
    { title: 'REVISION', cell: (r) => shortRevision(r.revision) },
    { title: 'PHASE', cell: (r) => r.phase },
    { title: 'WAVE', cell: (r) => `${r.wave + 1}/${r.waveCount} ${r.waveName}`.trim() },
    { title: 'DONE', cell: (r) => `${r.counts.succeeded}/${r.counts.total}` },
    { title: 'FAILED', cell: (r) => r.counts.failed + r.counts.timedOut },
    { title: 'UNREACHABLE', cell: (r) => r.counts.unreachable },
    { title: 'AGE', cell: (r, now) => formatAge(r.createdAt, now) },
    { title: 'MESSAGE', cell: (r) => r.message },
    { title: 'BY', wide: true, cell: (r) => `${r.trigger.kind}/${r.trigger.actor}` },
    { title: 'WAITING FOR', wide: true, cell: (r) => r.waitingFor.join('; ') },
  ],
})

const sources = defineResource({
  singular: 'source',
  list: 'listSources',
  get: 'getSource',
  pathOf: (name) => ({ path: { name } }),
  nameOf: (source) => source.name,
  columns: [
    { title: 'NAME', cell: (s) => s.name },
    { title: 'REF', cell: (s) => s.ref },
    { title: 'REVISION', cell: (s) => shortRevision(s.revision ?? '') },
    { title: 'STATE', cell: stateOfSource },
    { title: 'FETCHED', cell: (s, now) => formatAge(s.lastFetch, now) },
    { title: 'FAILING', cell: (s, now) => (s.failure ? formatAge(s.failure.since, now) : '') },
    { title: 'ERROR', cell: (s) => s.failure?.message ?? '' },
    { title: 'INTERVAL', wide: true, cell: (s) => s.interval ?? '' },
    { title: 'URL', wide: true, cell: (s) => s.url },
  ],
})

const byWord: ReadonlyMap<string, Resource> = new Map([
  ...['cluster', 'clusters'].map((word) => [word, clusters] as const),
  ...['group', 'groups'].map((word) => [word, groups] as const),
  ...['application', 'applications', 'app', 'apps'].map((word) => [word, applications] as const),
  ...['source', 'sources', 'repository', 'repositories'].map((word) => [word, sources] as const),
  ...['rollout', 'rollouts'].map((word) => [word, rollouts] as const),
])

/** @throws CliFailure for a word that names no kind. */
export function parseResource(word: string): Resource {
  const resource = byWord.get(word)
  if (resource) return resource
  throw new CliFailure(2, `unknown kind ${word}`, {
    hint: 'one of clusters, groups, applications, rollouts, sources, receipts, images, objects',
  })
}
