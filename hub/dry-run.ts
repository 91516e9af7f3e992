import {
  type DryRunAnswer,
  type DryRunResult,
  DryRunOutcome as Wire,
} from '@groundswell/proto/gen/groundswell/v1/sync_pb.ts'
import type { Scope } from '@groundswell/proto/scope.ts'
import type { DryRunRequest } from './api/hub.ts'
import type { DryRunView } from './api/dry-run-view.ts'
import { HubError } from './errors.ts'
import type { Fleet } from './fleet/fleet.ts'
import { projectOf, scopeOn } from './fleet/resolve/tenancy.ts'
import type { DryRunQuestion } from './sync/questions.ts'

export interface DryRunDeps {
  readonly fleet: () => Fleet | null
  /** @throws HubError `conflict` when the cluster is not connected or too busy */
  readonly ask: (
    cluster: string,
    asked: DryRunQuestion,
    signal: AbortSignal,
  ) => Promise<DryRunAnswer>
  readonly newId: () => string
  /** A signal that fires after `ms`. */
  readonly timeout: (ms: number) => AbortSignal
}

const limits = { objects: 500, bytes: 1024 * 1024 } as const
const patienceSeconds = 30
/** For the way there and back. */
const slackSeconds = 10
const longestText = 2_048
const mostFields = 50

const outcomes: Readonly<Record<Wire, DryRunView['results'][number]['outcome']>> = {
  [Wire.UNSPECIFIED]: 'NotTried',
  [Wire.CREATED]: 'Created',
  [Wire.CHANGED]: 'Changed',
  [Wire.UNCHANGED]: 'Unchanged',
  [Wire.REFUSED]: 'Refused',
  [Wire.NOT_TRIED]: 'NotTried',
}

/**
 * What a cluster's API server would say to objects that are in no commit the hub has read. They are
 * held to the limits of the application's Project as the hub knows it, whatever the caller says.
 */
export function createDryRuns({ fleet, ask, newId, timeout }: DryRunDeps) {
  return async function dryRun(cluster: string, request: DryRunRequest): Promise<DryRunView> {
    const { application, targetNamespace = '', objects } = request
    const bodies = objects.map(({ json }) => Buffer.from(json))
    const bytes = bodies.reduce((sum, body) => sum + body.byteLength, 0)
    if (objects.length > limits.objects || bytes > limits.bytes) {
      throw new HubError('invalid', `at most ${limits.objects} objects and 1 MiB at a time`)
    }
    const known = fleet()
    const scope = findScope(known, cluster, request)
    // An application that has a ServiceAccount is never asked about with the agent's own rights.
    const { serviceAccount = known?.applications.get(application)?.spec.serviceAccount } = request
    const asked = {
      id: newId(),
      application,
      targetNamespace,
      scope: scope ? JSON.stringify(scope) : '',
      serviceAccount: serviceAccount ?? '',
      deadlineSeconds: patienceSeconds,
      objects: objects.map(({ id, apiVersion, file = '' }, at) => ({
        object: id,
        apiVersion,
        file,
        body: Uint8Array.from(bodies[at]!),
      })),
    }
    const answer = await ask(cluster, asked, timeout((patienceSeconds + slackSeconds) * 1000))
    if (answer.code) throw new HubError('conflict', `${cluster}: ${clip(answer.message)}`)
    return { cluster, application, results: answer.results.slice(0, limits.objects).map(view) }
  }
}

/** Undefined where nothing limits the application. */
function findScope(
  fleet: Fleet | null,
  cluster: string,
  { application, project: named }: DryRunRequest,
): Scope | undefined {
  const declared = fleet?.clusters.get(cluster)
  if (!fleet || !declared) throw new HubError('not_found', `there is no cluster ${cluster}`)
  const spec = fleet.applications.get(application)?.spec
  if (!spec && named === undefined && fleet.projects.size > 0) {
    throw new HubError(
      'not_found',
      `the hub has read no application ${application}; name the project it will be of`,
    )
  }
  const project = spec ? projectOf(fleet, spec) : fleet.projects.get(named ?? '')
  if (!spec && named !== undefined && !project) {
    throw new HubError('not_found', `there is no project ${named}`)
  }
  if (!project) return undefined
  const scope = scopeOn(fleet, project, declared)
  if (scope) return scope
  throw new HubError('forbidden', `Project ${project.name} does not allow the cluster ${cluster}`)
}

function view(result: DryRunResult): DryRunView['results'][number] {
  return {
    object: clip(result.object),
    file: clip(result.file),
    outcome: outcomes[result.outcome] ?? 'NotTried',
    code: clip(result.code),
    message: clip(result.message),
    warnings: result.warnings.slice(0, mostFields).map(clip),
    fields: result.fields.slice(0, mostFields).map(({ path, desired, live }) => ({
      path: clip(path),
      after: clip(desired),
      before: clip(live),
    })),
  }
}

function clip(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)}…`
}
