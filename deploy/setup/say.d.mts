/** What was waited for so far, and for how many milliseconds each; not its parts, which are counted with it. */
export const taken: { what: string; ms: number }[]
export function sayStep<T>(what: string, work: () => Promise<T>): Promise<T>
