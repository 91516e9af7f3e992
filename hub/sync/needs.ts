import type { Digest } from '@groundswell/proto/digest.ts'
import { type Feature, features, featuresOf, sparing } from '@groundswell/proto/features.ts'
import type { SnapshotApplication } from '@groundswell/proto/statement.ts'
import { HubError } from '../errors.ts'
import { readManifest } from '../bundle/stored-manifest.ts'
import type { ContentStore } from '../bundle/content.ts'

export interface NeedsDeps {
  readonly content: ContentStore
  /** Renders again what the store has lost of a cluster's content. */
  readonly rebuild: (cluster: string) => Promise<void>
}

/** What an agent said of itself in its hello. */
export interface Understanding {
  readonly version: string
  readonly features: ReadonlySet<string>
}

/** Manifests whose needs are remembered. */
const remembered = 10_000

/**
 * Says why an agent is too old for what a snapshot lists, in words; undefined when it is not. An agent
 * that says it understands all there is costs nothing: no manifest is read for it.
 *
 * @throws HubError `content_missing` when a manifest cannot be had: nobody may guess what it asks for
 */
export function createNeeds({ content, rebuild }: NeedsDeps) {
  const known = new Map<Digest, readonly Feature[]>()

  async function needsOf(cluster: string, digest: Digest): Promise<readonly Feature[]> {
    const before = known.get(digest)
    if (before) return before
    const manifest = await readManifest(content, digest, () => rebuild(cluster))
    if (!manifest) throw new HubError('content_missing', `the manifest ${digest} cannot be had`)
    const found = featuresOf(manifest)
    for (const oldest of known.keys()) {
      if (known.size < remembered) break
      known.delete(oldest)
    }
    known.set(digest, found)
    return found
  }

  return async function whyTooOld(
    cluster: string,
    agent: Understanding,
    list: readonly SnapshotApplication[],
  ): Promise<string | undefined> {
    if (features.every((feature) => agent.features.has(feature))) return undefined
    for (const application of list) {
      const needs = [
        ...(application.state === 'present'
          ? await needsOf(cluster, application.manifest.digest)
          : []),
        ...(application.leave || application.undo ? [sparing] : []),
      ]
      const lacks = needs.filter((feature) => !agent.features.has(feature))
      if (lacks.length === 0) continue
      const version = agent.version === '' ? 'of unknown version' : agent.version
      return `${application.name} needs ${lacks.join(', ')}, which the agent here (${version}) does not understand; replace the agent first`
    }
    return undefined
  }
}

export type WhyTooOld = ReturnType<typeof createNeeds>
