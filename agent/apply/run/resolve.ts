import { parseObjectId } from '@groundswell/proto/object-id.ts'
import type { Manifest, ManifestObject } from '@groundswell/proto/manifest.ts'
import type { Resource } from '../../cluster/port.ts'
import { AgentError } from '../../errors.ts'
import type { ObjectError } from '../../observe/status.ts'
import type { ApplyDeps } from '../deps.ts'
import { toObjectError } from './object-error.ts'
import { locate, type Wanted } from './plan.ts'
import { holdToScope } from './scope.ts'

export interface Resolved {
  readonly wanted: readonly Wanted[]
  readonly resources: readonly Resource[]
  readonly errors: readonly ObjectError[]
}

const patienceMs = 10_000
const pauseMs = 200

/**
 * Finds how each object's kind is served. With `patient`, kinds that are not served are asked for
 * again for a while: definitions were just applied, and discovery lags behind them.
 */
export async function resolveObjects(
  objects: readonly ManifestObject[],
  manifest: Manifest,
  { cluster, clock }: Pick<ApplyDeps, 'cluster' | 'clock'>,
  patient: boolean,
  signal: AbortSignal,
): Promise<Resolved> {
  const deadline = clock.now() + (patient ? patienceMs : 0)
  const kinds = new Map<string, Resource | AgentError>()
  for (const { id, apiVersion } of objects) {
    const { kind } = parseObjectId(id)
    const key = `${apiVersion}/${kind}`
    if (kinds.has(key)) continue
    for (;;) {
      const found = await findResource(apiVersion, kind, cluster, signal)
      kinds.set(key, found)
      const retry = found instanceof AgentError && found.code === 'kind_unknown'
      if (!retry || clock.now() >= deadline) break
      await clock.sleep(pauseMs, signal)
      cluster.forgetResources()
    }
  }
  const wanted: Wanted[] = []
  const errors: ObjectError[] = []
  for (const object of objects) {
    const found = kinds.get(`${object.apiVersion}/${parseObjectId(object.id).kind}`)
    try {
      if (found instanceof AgentError) throw found
      if (found) wanted.push(holdToScope(locate(object, manifest, found), manifest))
    } catch (error) {
      errors.push(toObjectError(object.id, object.file, error))
    }
  }
  const resources = [...kinds.values()].filter(
    (found): found is Resource => !(found instanceof AgentError),
  )
  return { wanted, resources, errors }
}

async function findResource(
  apiVersion: string,
  kind: string,
  cluster: ApplyDeps['cluster'],
  signal: AbortSignal,
): Promise<Resource | AgentError> {
  try {
    return await cluster.resource(apiVersion, kind, signal)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AgentError) return error
    throw error
  }
}
