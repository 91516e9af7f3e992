import type { Principal } from '../../hub/access/principal.ts'
import { rightsOf } from '../../hub/access/rights.ts'
import type { AssignedManifest, ClusterOrder, Hub, Sight } from '../../hub/api/hub.ts'
import { sortPlaces } from '../../hub/api/order.ts'
import type { Fleet } from '../../hub/fleet/fleet.ts'
import { type RolloutRecord, timestamp } from '../../hub/api/rollout-view.ts'
import type {
  ApplicationView,
  ClusterDiffView,
  ClusterView,
  FleetView,
  GroupView,
} from '../../hub/api/views.ts'
import { HubError } from '../../hub/errors.ts'
import type { RolloutPhase } from '../../hub/rollout/rollout.ts'
import { groupsInSight, inSight } from './fake-sight.ts'
import { createFakeEvents, type FakeEvents } from './fake-events.ts'
import { createFakeMembership } from './fake-membership.ts'
import { createFakeSurvey } from './fake-survey.ts'
import { createFakeRecords } from './fake-records.ts'
import { makeProposal, makePullRequests } from './fake-proposal.ts'
import { desired, fakeNow, makePreview, makeRecord, makeRest, revision } from './fake-rollout.ts'

const at = timestamp(fakeNow)

export interface FakeHub extends Hub, FakeEvents {
  /** Replaceable, so that a test can let it fail. */
  fleet: Hub['fleet']
  readonly actions: { id: string; kind: string; by: Principal; reason: string }[]
  readonly webhooks: { name: string; body: string }[]
  readonly view: {
    clusters: ClusterView[]
    groups: GroupView[]
    applications: ApplicationView[]
    diffs: ClusterDiffView[]
    fleet: FleetView
    ready: boolean
  }
  readonly records: RolloutRecord[]
  /** What roles of Projects are read from; none unless a test sets it. */
  access: Pick<Fleet, 'applications' | 'projects'> | null
}

/** A hub in memory: three clusters, one application, one rollout that waits for approval. */
export function createFakeHub(): FakeHub {
  const log = createFakeEvents(at)
  const actions: FakeHub['actions'] = []
  const webhooks: FakeHub['webhooks'] = []
  const records: RolloutRecord[] = [makeRecord('r-1', 'Progressing')]
  const view: FakeHub['view'] = {
    clusters: [
      makeCluster('edge-1', { env: 'prod' }, true),
      makeCluster('edge-2', { env: 'prod' }, false),
      makeCluster('lab', { env: 'dev' }, true),
    ],
    groups: [
      {
        name: 'prod',
        labels: {},
        clusters: ['edge-1', 'edge-2'],
        counts: { clusters: 2, connected: 1, unreachable: 1 },
      },
    ],
    applications: [makeApplication()],
    diffs: [makeDiff('edge-1', true), makeDiff('lab', false)],
    fleet: {
      revision,
      refused: null,
      lastFetch: at,
      sources: [
        {
          name: 'fleet',
          url: 'https://git.example/fleet',
          ref: 'main',
          revision,
          lastFetch: at,
          nextFetch: null,
          interval: '30s',
          suspended: false,
          signer: null,
          failure: null,
        },
      ],
      faults: [],
      warnings: [],
      counts: { clusters: 3, groups: 1, applications: 1 },
    },
    ready: true,
  }

  const find = (id: string): RolloutRecord => {
    const record = records.find((one) => one.plan.id === id)
    if (!record) throw new HubError('not_found', `No rollout ${id}`)
    return record
  }
  const known = (application: string): void => {
    if (!view.applications.some((one) => one.name === application)) {
      throw new HubError('not_found', `No application ${application}`)
    }
  }
  const groups = (sight?: Sight) => groupsInSight(view, sight)

  return {
    actions,
    webhooks,
    view,
    records,
    get subscribers() {
      return log.subscribers
    },
    emit: log.emit,
    dryRun: async (cluster, { application }) => {
      if (!view.clusters.some(({ name }) => name === cluster)) {
        throw new HubError('not_found', `No cluster ${cluster}`)
      }
      return { cluster, application, results: [] }
    },
    commit: async (application, commit) => {
      known(application)
      const isThis = revision.endsWith(commit)
      return isThis ? { state: 'taken', repository: 'fleet', revision } : { state: 'notYet' }
    },
    access: null,
    rights(principal) {
      return rightsOf(principal, () => this.access)
    },
    clusters({ order, after, keep }, sight) {
      const seen = view.clusters.flatMap((one) => inSight(one, sight) ?? [])
      const placed = seen
        .filter(({ labels }) => !keep || keep(labels))
        .map((cluster) => ({ name: cluster.name, key: orderKey(cluster, order.by), cluster }))
      return sortPlaces(placed, order, after).map(({ cluster, ...place }) => ({ cluster, place }))
    },
    matrix(sight) {
      const applications = view.applications
        .map(({ name }) => name)
        .filter((name) => sight?.(name) ?? true)
      const row = (one: ClusterView | undefined) =>
        one && {
          cluster: one.name,
          groups: one.groups,
          connection: one.connection.state,
          stale: one.stale === true,
          cells: applications
            .map((name) => (one.applications.some((mine) => mine.name === name) ? 'u' : '-'))
            .join(''),
        }
      return {
        applications,
        rows: (after) =>
          view.clusters
            .filter((one) => one.name > (after ?? '') && inSight(one, sight))
            .map((one) => row(one)!),
        row: (name) => row(view.clusters.find((one) => one.name === name && inSight(one, sight))),
      }
    },
    cluster: async (name, sight) => {
      const found = view.clusters.find((one) => one.name === name)
      return found && inSight(found, sight)
    },
    groups: (after, sight) => groups(sight).filter((one) => one.name > (after ?? '')),
    group: async (name, sight) => groups(sight).find((one) => one.name === name),
    applications: (after) => view.applications.filter((one) => one.name > (after ?? '')),
    application: async (name) => view.applications.find((one) => one.name === name),
    diff: (application) => {
      known(application)
      return view.diffs
    },
    manifest: async (cluster, application) =>
      application === 'shop' && view.clusters.some((one) => one.name === cluster)
        ? makeManifest()
        : undefined,
    ...createFakeRecords(view),
    rollouts: ({ application, active, after, oldestFirst }) => {
      const newest = oldestFirst ? records : records.toReversed()
      const start = after === null ? 0 : newest.findIndex((one) => one.plan.id === after) + 1
      return newest
        .slice(start)
        .filter((one) => application === null || one.plan.application === application)
        .filter((one) => active === null || (one.run.finishedAt === null) === active)
    },
    applicationOf: (id) => records.find((one) => one.plan.id === id)?.plan.application,
    rollout: async (id) => records.find((one) => one.plan.id === id),
    planRollout: async (application, { live }) => {
      known(application)
      return makePreview('r-next', live)
    },
    previewRollout: async (id, { back }) => makeRest(find(id), back),
    propose: async (ref) => makeProposal(Object.values(ref).join()),
    pullRequests: async () => makePullRequests(),
    startRollout: async (application, by, reason) => {
      known(application)
      if (records.some((one) => one.run.finishedAt === null)) {
        throw new HubError('conflict', `Rollout ${records.at(-1)!.plan.id} is active`)
      }
      const record = makeRecord(`r-${records.length + 1}`, 'Progressing')
      records.push(record)
      actions.push({ id: record.plan.id, kind: 'create', by, reason })
      return record
    },
    actOnRollout: async (id, action, by, reason, version) => {
      const record = find(id)
      if (version !== undefined && version !== record.run.version) {
        throw new HubError('conflict', 'The rollout has moved')
      }
      if (record.run.finishedAt !== null) throw new HubError('conflict', 'The rollout is over')
      if (action.kind === 'skip' && !(action.cluster in record.plan.targets)) {
        throw new HubError('not_found', `No cluster ${action.cluster} in rollout ${id}`)
      }
      actions.push({ id, kind: action.kind, by, reason })
      const phases: Partial<Record<typeof action.kind, RolloutPhase>> = {
        pause: 'Paused',
        abort: 'Aborted',
        rollback: 'RolledBack',
      }
      const phase = phases[action.kind] ?? 'Progressing'
      const ended = phase === 'Aborted' || phase === 'RolledBack'
      const run = {
        ...record.run,
        phase,
        version: record.run.version + 1,
        finishedAt: ended ? fakeNow : null,
      }
      const next = { ...record, run }
      records[records.indexOf(record)] = next
      return next
    },
    ...createFakeSurvey(),
    ...createFakeMembership(() => view.clusters, fakeNow),
    fleet: async () => view.fleet,
    facts: () => ({ apis: [], clusters: [] }),
    sources: async () => view.fleet.sources,
    events: log.events,
    subscribe: log.subscribe,
    webhook: async (name, headers, rawBody) => {
      if (name !== 'fleet') throw new HubError('not_found', `No webhook ${name}`)
      if (headers['x-signature'] !== 'right') {
        throw new HubError('unauthenticated', 'The signature was refused')
      }
      webhooks.push({ name, body: Buffer.from(rawBody).toString() })
    },
    health: async () => ({ ready: view.ready, checks: [{ name: 'redis', ok: view.ready }] }),
  }
}

function makeCluster(
  name: string,
  labels: Record<string, string>,
  connected: boolean,
): ClusterView {
  return {
    name,
    displayName: '',
    labels,
    groups: labels['env'] === 'prod' ? ['prod'] : [],
    lifecycle: 'Enrolled',
    lifecycleReason: '',
    suspended: false,
    connection: { state: connected ? 'Connected' : 'Disconnected', since: at },
    lastSeen: at,
    agentVersion: '0.1.0',
    kubernetesVersion: 'v1.35.4',
    nodes: 3,
    acceptedSequence: connected ? 7 : 6,
    offeredSequence: 7,
    lagSeconds: connected ? 0 : 95,
    refusal: null,
    driftedObjects: 1,
    counts: { applications: 1, updated: 1, pending: 0, failed: 0 },
    applications: [
      {
        name: 'shop',
        desiredDigest: desired,
        desiredRevision: revision,
        reportedDigest: desired,
        upToDate: true,
        phase: 'Applied',
        health: 'Current',
        objects: 4,
        readyObjects: 4,
        driftedObjects: 1,
        message: '',
        updatedAt: at,
      },
    ],
  }
}

function makeApplication(): ApplicationView {
  return {
    name: 'shop',
    labels: { team: 'store' },
    source: { repository: 'fleet', path: 'apps/shop', kind: 'kustomize' },
    strategy: 'canary',
    suspended: false,
    revision,
    targets: 3,
    counts: { updated: 1, pending: 1, failed: 0, unreachable: 1, drifted: 1 },
    rollout: { id: 'r-1', phase: 'Progressing', message: 'Waits for approval' },
    hold: null,
  }
}

function makeDiff(cluster: string, drifted: boolean): ClusterDiffView {
  return {
    cluster,
    connection: { state: 'Connected', since: at },
    desiredDigest: desired,
    desiredRevision: revision,
    reportedDigest: desired,
    upToDate: true,
    driftedObjects: drifted ? 1 : 0,
    drift: drifted
      ? [
          {
            object: 'apps/Deployment/shop/web',
            missing: false,
            firstSeen: at,
            fields: [{ path: '/spec/replicas', desired: '3', live: '5', manager: 'kubectl' }],
          },
        ]
      : [],
  }
}

function makeManifest(): AssignedManifest {
  const object = { apiVersion: 'v1', digest: desired, size: 120, file: 'apps/shop/web.yaml' }
  return {
    digest: desired,
    revision,
    manifest: {
      v: 1,
      application: 'shop',
      targetNamespace: '',
      prune: { enabled: true, allowEmpty: false },
      drift: 'correct',
      deletionPolicy: 'Delete',
      objects: [
        { ...object, id: '/ConfigMap/shop/settings' },
        { ...object, id: '/Service/shop/web' },
      ],
    },
    status: {
      application: 'shop',
      digest: desired,
      generation: 1,
      phase: 'Applied',
      health: 'InProgress',
      objects: 2,
      readyObjects: 1,
      unhealthy: [{ object: '/Service/shop/web', health: 'InProgress', message: 'no address' }],
      errors: [],
      drift: [
        { object: '/ConfigMap/shop/settings', missing: true, firstSeen: fakeNow, fields: [] },
      ],
      driftedObjects: 1,
      healed: 0,
      updatedAt: fakeNow,
    },
  }
}

/** Of those orders that tests ask for; anything else is by name. */
function orderKey(cluster: ClusterView, by: ClusterOrder): string | number {
  const keys: Partial<Record<ClusterOrder, string | number>> = {
    ...{ failed: cluster.counts.failed, updated: cluster.counts.updated },
    ...{ drifted: cluster.driftedObjects, connection: cluster.connection.state },
    kubernetesVersion: cluster.kubernetesVersion,
  }
  return keys[by] ?? cluster.name
}
