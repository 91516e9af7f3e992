import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Declared, Fleet } from '../fleet/fleet.ts'
import { isGroupMember } from '../fleet/resolve/group.ts'
import type { PolicySpec } from '../fleet/kinds/policy.ts'
import { matchesSelector } from '../fleet/resolve/selector.ts'
import type { SignaturePlace, SignatureRule } from './signature/rule.ts'

/** A file a policy is written in, by its path in the fleet repository. */
export interface PolicyFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/** A Policy with its files, ready to be judged by. */
export interface Policy extends Declared<PolicySpec> {
  readonly files: readonly PolicyFile[]
  /** Others of its files could not be read: it is compiled for what is wrong with these, and judges nothing. */
  readonly partial?: true
  /** What `images.signatures` says, with the keys it names. */
  readonly signatures: readonly SignatureRule[]
  /** Where rules of Kyverno find theirs. */
  readonly signaturePlace: SignaturePlace
  /** Of what the engine compiles: files and image rules. */
  readonly program: Digest
  /** Of all that decides a verdict: the program, the action, the exceptions. */
  readonly digest: Digest
}

/** In the images' own registries, with nobody to vouch for identities. */
export const plainPlace: SignaturePlace = {
  ...{ trustedRoot: undefined, layout: undefined, credential: undefined },
  digest: digestOf('registries'),
}

/** Asked of every render: what the schemas of Kubernetes, and of custom kinds in it, say. */
export const schemaPolicy: Policy = {
  ...{ name: 'default', labels: {}, annotations: {}, file: '', line: 0, spec: { schema: {} } },
  ...{ files: [], signatures: [], signaturePlace: plainPlace },
  ...{ program: digestOf('schema'), digest: digestOf('schema') },
}

/** The policies of a fleet that ask something of one application on one cluster, by name. */
export function selectPolicies(
  fleet: Fleet,
  policies: readonly Policy[],
  target: { readonly application: string; readonly cluster: string },
): Policy[] {
  const application = fleet.applications.get(target.application)
  const cluster = fleet.clusters.get(target.cluster)
  if (!application || !cluster) return []
  // As everywhere: an application that names none is of the one called `default`.
  const { project = 'default' } = application.spec
  return policies
    .filter(({ spec }) => {
      const { projects, applicationSelector, clusterSelector, clusterGroup, clusters } = spec
      return (
        (!projects || projects.includes(project)) &&
        (!applicationSelector || matchesSelector(applicationSelector, application.labels)) &&
        (!clusterSelector || matchesSelector(clusterSelector, cluster.labels)) &&
        (clusterGroup === undefined || isGroupMember(fleet, clusterGroup, cluster.name)) &&
        (!clusters || clusters.includes(cluster.name))
      )
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}
