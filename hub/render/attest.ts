import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { listGroupMembers } from '../fleet/resolve/group.ts'
import type { AttestedApplication, AttestedContent } from '../signer/attestation.ts'
import type { Attestor } from '../signer/signer.ts'
import type { Contents } from './contents.ts'

export interface AttestingDeps {
  readonly attestor: Attestor
  /** Where a repository is fetched from, without credentials. */
  readonly urlOf: (repository: string) => string
}

/**
 * Tells the signer what was rendered from Git: all of it the first time, then what changed. That the
 * same was made of a newer commit, too, is no change: the revision told is of the commit that brought
 * it. Only a render of a whole fleet is told. One made again to replace lost content is not, since the
 * content it makes may be old.
 */
export function createAttesting({ attestor, urlOf }: AttestingDeps) {
  let told = new Map<string, Digest>()
  let around: Digest | undefined

  async function attest(fleet: Fleet, contents: Contents): Promise<void> {
    const next = new Map(told)
    const changed: AttestedApplication[] = []
    for (const name of contents.applications.keys()) {
      const application = describe(name, contents, urlOf)
      const digest = nameTold(application)
      if (told.get(name) === digest) continue
      next.set(name, digest)
      changed.push(application)
    }
    const names = [...fleet.applications.keys()]
    for (const name of next.keys()) if (!fleet.applications.has(name)) next.delete(name)
    const clusters = [...fleet.clusters.keys()]
    const groups = Object.fromEntries(
      [...fleet.groups.values()].map((group) => [
        group.name,
        listGroupMembers(group, fleet.clusters),
      ]),
    )
    const surroundings = digestOf(JSON.stringify([clusters, names, groups]))
    if (changed.length === 0 && surroundings === around) return
    const fleetRevision = fleet.revision
    await attestor.attest({ fleetRevision, clusters, names, groups, applications: changed })
    told = next
    around = surroundings
  }

  return {
    attest,
    /** The next time all of it is told. */
    forget(): void {
      told = new Map()
      around = undefined
    },
  }
}

/** The signer's judgement rests on all of it but the revision. */
function nameTold({ name, contents, keep }: AttestedApplication): Digest {
  const told = contents.map(({ digest, repository, url, kinds, clusters }) => [
    digest,
    repository,
    url,
    kinds,
    clusters,
  ])
  return digestOf(JSON.stringify([name, told, keep]))
}

function describe(
  name: string,
  contents: Contents,
  urlOf: AttestingDeps['urlOf'],
): AttestedApplication {
  const made = new Map<Digest, AttestedContent & { clusters: string[] }>()
  for (const [cluster, { digest }] of contents.applications.get(name) ?? []) {
    const origin = digest === null ? undefined : contents.origins?.get(digest)
    if (!digest || !origin) continue
    const { repository, revision, kinds, chartRepo } = origin
    const known = made.get(digest)
    if (known) known.clusters.push(cluster)
    else {
      // What a policy has to allow is where the objects were written, not only where they were asked for.
      const url = chartRepo ?? urlOf(repository)
      made.set(digest, { digest, repository, url, revision, kinds, clusters: [cluster] })
    }
  }
  return { name, contents: [...made.values()], keep: [...(contents.skipped.get(name) ?? [])] }
}
