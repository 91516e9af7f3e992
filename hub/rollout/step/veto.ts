import type { ClusterObservation, Content, Veto } from '../rollout.ts'

/* Local vetoes: what a cluster's own keepers have wait or refuse, and what a rollout makes of it. */

/** The veto that keeps just this content from a cluster that has accepted it; null when none does. */
export function vetoOver(
  { application, veto }: ClusterObservation,
  content: Content,
  generation: number,
): Veto | null {
  const held = application?.held
  if (held?.digest !== content.digest || held.generation !== generation) return null
  // The agent holds it back, whatever else was lost on the way.
  return veto ?? { refuse: false, until: null, words: 'held back at the cluster' }
}

/** Whether a cluster that was vetoed may have its turn: its agent has said that nothing holds it. */
export function isVetoOver(seen: ClusterObservation | undefined): boolean {
  return seen?.connected === true && seen.veto === null
}

export function describeVeto({ until, words }: Veto): string {
  const end = until === null ? 'until it is released' : `until ${new Date(until).toISOString()}`
  return `${words}, ${end}`
}
