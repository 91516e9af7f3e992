import type { Dependency } from '@groundswell/proto/manifest.ts'
import { stateOf, type Tracked } from './tracked.ts'
import type { Observer } from '../observe/observer.ts'

/**
 * Why an application may not be applied yet: one that it depends on is not there, not applied as it
 * is wanted now, or not healthy. Undefined when nothing is in its way.
 */
export function whyBlocked(
  { wanted }: Pick<Tracked, 'wanted'>,
  find: (name: string) => Tracked | undefined,
  observer: Observer,
): string | undefined {
  if (wanted.state !== 'present') return undefined
  for (const dependency of wanted.manifest.dependsOn ?? []) {
    const why = whyNotReady(dependency, find(dependency.name), observer)
    if (why !== undefined) return `waits for application ${dependency.name}, ${why}`
  }
  return undefined
}

function whyNotReady(
  _dependency: Dependency,
  other: Tracked | undefined,
  observer: Observer,
): string | undefined {
  if (!other || other.wanted.state !== 'present') return 'which is not here'
  if (other.phase === 'Failed') return 'which failed'
  if (!other.settled || other.phase !== 'Applied') return 'which is being applied'
  const { health } = stateOf(other, observer)
  return health === 'Current' ? undefined : `which is ${health}`
}
