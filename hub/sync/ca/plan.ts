/** One certificate authority of the hub; its times in milliseconds since the epoch. */
export interface AuthorityLife {
  /** 1 is the first. */
  readonly number: number
  readonly from: number
  readonly to: number
}

export interface AuthorityPlan {
  /** Signs certificates from now on. */
  readonly issuing: number
  /** What they sign counts, the issuing one first. */
  readonly trusted: readonly number[]
  /** Number of the one to be made now. */
  readonly due: number | undefined
}

/** Part of the newest one's life after which the next one is made. */
const makeAfter = 0.7
/** Part of its own life for which a new one is only made known: agents renew twice meanwhile. */
const announceFor = 0.1

/**
 * Which authority does what. Nothing is kept of this but the certificates themselves, so hubs that
 * share them agree, and a restart changes nothing. A new one is trusted and told to agents well
 * before it signs anything; an old one counts until its own end.
 */
export function planAuthorities(lives: readonly AuthorityLife[], now: number): AuthorityPlan {
  const sorted = [...lives].sort((one, other) => other.number - one.number)
  const [newest] = sorted
  if (!newest) return { issuing: 1, trusted: [1], due: 1 }
  const living = sorted.filter(({ to }) => now < to)
  const announced = ({ from, to }: AuthorityLife): boolean =>
    now >= from + (to - from) * announceFor
  // The first one has nobody to be announced to; and one that nobody heard of is better than none.
  const issuing =
    living.find((life) => life.number === 1 || announced(life)) ?? living.at(-1) ?? newest
  const isOld = now >= newest.from + (newest.to - newest.from) * makeAfter
  return {
    issuing: issuing.number,
    trusted: [
      issuing.number,
      ...living.filter((life) => life !== issuing).map(({ number }) => number),
    ],
    due: isOld ? newest.number + 1 : undefined,
  }
}

/** Certificates of agents must be renewed twice while a new authority is made known. */
export function shortestAuthorityLife(certificateLifeMs: number): number {
  return (2 * certificateLifeMs) / announceFor
}
