import { runsOnDeletion } from './apply-rules.ts'
import type { Manifest } from './manifest.ts'

/* What an agent says in its hello that it understands. A manifest that asks for something an older
   agent would overlook must not reach it: it would apply hooks as ordinary objects, or go beyond limits
   that it does not know. */

const needs = {
  /** Order, hooks and modes of objects. */
  'apply-rules': ({ objects }) => objects.some(({ rules }) => rules !== undefined),
  /** Hooks that run as the application is removed. */
  'deletion-hooks': ({ objects }) => objects.some(runsOnDeletion),
  scope: ({ scope }) => scope !== undefined,
  'service-account': ({ serviceAccount }) => serviceAccount !== undefined,
  dependencies: ({ dependsOn }) => dependsOn !== undefined,
  adoption: ({ adoption }) => adoption !== undefined,
  'ignore-rules': ({ ignore }) => ignore !== undefined,
} as const satisfies Readonly<Record<string, (manifest: Manifest) => boolean>>

/** A dry run in the name of a ServiceAccount. */
export const dryRunAccount = 'dry-run-account'

/** Of a snapshot: objects that are not to be deleted. An agent that overlooked it would delete them. */
export const sparing = 'sparing'

export type Feature = keyof typeof needs | typeof dryRunAccount | typeof sparing

const manifestFeatures = Object.keys(needs) as (keyof typeof needs)[]

/** All there are: what this version's agents say, and its hubs ask for. */
export const features: readonly Feature[] = [...manifestFeatures, dryRunAccount, sparing]

/** What an agent has to understand to bring a manifest about. */
export function featuresOf(manifest: Manifest): readonly Feature[] {
  return manifestFeatures.filter((feature) => needs[feature](manifest))
}
