import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { ClusterSpec } from '../kinds/cluster.ts'

/** What a cluster is, by its agent's word. */
export interface ClusterFacts {
  /** As the API server spells it: `v1.35.4`, `v1.33.4-gke.1245000`. */
  readonly kubernetesVersion: string
  /** Undefined where the agent could not list it. */
  readonly apis?: ServedApis
}

/** What an API server serves: `v1`, `v1/Pod`, `apps/v1`, `apps/v1/Deployment`; sorted. */
export interface ServedApis {
  readonly digest: Digest
  readonly names: readonly string[]
}

/** By cluster; most of a fleet share one list. */
export type FleetFacts = ReadonlyMap<string, ClusterFacts>

/** What a render may know of its cluster. Git's word comes before the agent's, each by itself. */
export interface KnownFacts {
  /** For charts; empty: what the engine takes by itself. */
  readonly kubernetesVersion: string
  /** For `${cluster.kubernetesVersion}`: no `v`, nothing of a vendor's. Undefined: nobody said. */
  readonly plainVersion: string | undefined
  /** What policies judge by: of a reported one no more than `1.35`, so that a patch judges nothing anew. */
  readonly judgedVersion: string
  readonly apiVersions: readonly string[]
  /** Whether these are all it serves, and not what it serves beside the usual. */
  readonly served: boolean
}

export function toServedApis(names: readonly string[]): ServedApis {
  const sorted = [...new Set(names)].sort()
  return { digest: digestOf(JSON.stringify(sorted)), names: sorted }
}

export function knowCluster(
  spec: Pick<ClusterSpec, 'kubernetesVersion' | 'apiVersions'>,
  facts: ClusterFacts | undefined,
): KnownFacts {
  const reported = /^v?((\d+\.\d+)(?:\.\d+)?)/.exec(facts?.kubernetesVersion ?? '')
  const isServed = spec.apiVersions === undefined && facts?.apis !== undefined
  return {
    kubernetesVersion: spec.kubernetesVersion ?? (reported ? facts!.kubernetesVersion : ''),
    plainVersion: spec.kubernetesVersion ?? reported?.[1],
    judgedVersion: spec.kubernetesVersion ?? reported?.[2] ?? '',
    apiVersions: isServed ? facts.apis.names : (spec.apiVersions ?? []),
    served: isServed,
  }
}
