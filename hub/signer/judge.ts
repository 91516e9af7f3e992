import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import type { SnapshotPosition } from '../bundle/snapshot.ts'
import { type Fault, HubError } from '../errors.ts'
import { type SignerPolicy, allowsCluster, allowsRepository, listForbiddenKinds } from './policy.ts'
import type { SignerState } from './record.ts'
import type { FreshnessRequest, SignRequest } from './signer.ts'

/** Why a signer will not sign. */
export type SignRefusal =
  'sign_unattested' | 'sign_forbidden' | 'sign_removal' | 'sign_identity' | 'sign_sequence'

/** As far as an agent follows a jump (T4); further is refused here too, so that nobody can wind it up. */
const longestJump = 2 ** 20
/** Cluster ids remembered; an id is never forgotten, so more are refused. */
const mostClusters = 50_000

type Found = Fault & { readonly code: SignRefusal }

/**
 * Holds what is asked against the signer's own record and policy. Every fault is found; the code
 * is that of the first.
 *
 * @throws HubError with a `SignRefusal` code
 */
export function judgeRequest(
  state: SignerState,
  policy: SignerPolicy,
  epoch: number,
  request: SignRequest,
): void {
  const found = [
    ...judgeIdentity(state, policy, request),
    ...judgeFloor(state, epoch, request),
    ...request.applications.flatMap((application) =>
      judgeApplication(state, policy, request, application),
    ),
  ]
  const [first] = found
  if (!first) return
  const words = found.slice(0, 5).map(({ object, message }) => `${object ?? 'it'} ${message}`)
  const more = found.length > words.length ? `, and ${found.length - words.length} more` : ''
  throw new HubError(
    first.code,
    `the signer refuses ${request.cluster}: ${words.join('; ')}${more}`,
    {
      faults: found.map(({ object, message }) => ({
        ...(object === undefined ? {} : { object }),
        cluster: request.cluster,
        message,
      })),
    },
  )
}

function judgeIdentity(state: SignerState, policy: SignerPolicy, request: SignRequest): Found[] {
  const { cluster, clusterId, clusterUid } = request
  const code = 'sign_identity'
  const known = state.clusters.get(clusterId)
  if (!known && state.clusters.size >= mostClusters) {
    return [{ code, message: `is one more than ${mostClusters} clusters` }]
  }
  if (known && known.cluster !== cluster) {
    return [{ code, message: `has an id that is ${known.cluster}'s` }]
  }
  if (known && known.clusterUid !== clusterUid) {
    return [{ code, message: 'has an id that is of a cluster with another UID' }]
  }
  if (allowsCluster(policy, cluster, state.groups)) return []
  return [{ code: 'sign_forbidden', message: "is not among the policy's clusters and groups" }]
}

function judgeFloor(state: SignerState, epoch: number, request: SignRequest): Found[] {
  const { floor, clusterId } = request
  const message = describeJump(state, epoch, clusterId, floor)
  return message === undefined ? [] : [{ code: 'sign_sequence', message }]
}

/**
 * Holds a position that a freshness statement is asked to name against the signer's own record: an agent
 * in doubt takes it for its own.
 *
 * @throws HubError `sign_sequence`
 */
export function judgePosition(
  state: SignerState,
  epoch: number,
  { clusterId, at }: Pick<FreshnessRequest, 'clusterId' | 'at'>,
): void {
  const message = describeJump(state, epoch, clusterId, at)
  if (message === undefined) return
  throw new HubError(
    'sign_sequence',
    `the signer refuses freshness for ${clusterId}: it ${message}`,
  )
}

/** In words; undefined for a step that agents may follow. */
function describeJump(
  state: SignerState,
  epoch: number,
  clusterId: string,
  told: SnapshotPosition,
): string | undefined {
  const known = state.clusters.get(clusterId)
  const own = known?.epoch === epoch ? known.sequence : 0
  if (told.epoch !== epoch || told.sequence - own <= longestJump) return undefined
  return `would jump from sequence ${own} past ${told.sequence}`
}

function judgeApplication(
  state: SignerState,
  policy: SignerPolicy,
  request: SignRequest,
  application: SnapshotApplication,
): Found[] {
  const object = `Application ${application.name}`
  const pair = state.applications.get(application.name)?.get(request.cluster)
  if (application.state === 'removed') {
    if (policy.removals === 'never') {
      const message = 'may not be removed: the policy says never'
      return [{ code: 'sign_forbidden', object, message }]
    }
    const known = state.clusters.get(request.clusterId)?.contents.get(application.name)
    // Gone already by a tombstone signed before, or never there beside the one content withdrawn.
    if (pair?.wanted === false || (known !== undefined && known !== 'several')) return []
    const message = 'may not be removed: Git still asks for it there'
    return [{ code: 'sign_removal', object, message }]
  }
  const { digest } = application.manifest
  const allowed = pair?.history.slice(-policy.history).includes(digest) ?? false
  const made = state.manifests.get(digest)
  if (!allowed || made?.application !== application.name) {
    const past = pair?.history.includes(digest) === true
    const message = past
      ? `has content that is not among its newest ${policy.history}`
      : `has content that the renderer did not attest for this cluster (${digest.slice(0, 19)}…)`
    return [{ code: 'sign_unattested', object, message }]
  }
  const found: Found[] = []
  if (!allowsRepository(policy, made.url)) {
    found.push({
      code: 'sign_forbidden',
      object,
      message: `comes from repository ${made.repository}, which the policy does not list`,
    })
  }
  const kinds = listForbiddenKinds(policy, made.kinds)
  if (kinds.length > 0) {
    const message = `has kinds the policy does not list: ${kinds.slice(0, 5).join(', ')}`
    found.push({ code: 'sign_forbidden', object, message })
  }
  return found
}
