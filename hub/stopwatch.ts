/** Times one piece of work, which says at its end how it went. */
export type Stopwatch<T extends string> = (work: T) => (result: 'done' | 'failed') => void
