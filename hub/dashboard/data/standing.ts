import type { MatrixStanding } from '../../api/matrix-view.ts'

/** How each standing of an application on a cluster looks: by shape first, so that it reads without colour. */
export interface Look {
  readonly symbol: string
  readonly word: string
  /** What it means, in a sentence. */
  readonly words: string
  readonly css: string
}

export const looks: Readonly<Record<MatrixStanding, Look>> = {
  u: {
    symbol: '●',
    word: 'updated',
    words: 'runs what was decided, and is healthy',
    css: 'updated',
  },
  p: { symbol: '◐', word: 'pending', words: 'is on its way, or not healthy yet', css: 'pending' },
  f: { symbol: '✕', word: 'failed', words: 'was not applied, or is not healthy', css: 'failed' },
  d: { symbol: '≠', word: 'drifted', words: 'differs from what was decided', css: 'drifted' },
  v: { symbol: '■', word: 'held', words: 'is held back by whoever keeps the cluster', css: 'held' },
  x: { symbol: '?', word: 'unreachable', words: 'its agent is not connected', css: 'unreachable' },
  '-': { symbol: '', word: 'none', words: 'is not meant for this cluster', css: 'none' },
}

export const standings = ['f', 'd', 'v', 'p', 'x', 'u'] as const

export function lookOf(letter: string | undefined): Look {
  return looks[(letter ?? '-') as MatrixStanding] ?? looks['-']
}
