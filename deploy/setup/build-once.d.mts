/** Makes a cached directory once, however many processes ask at the same time. */
export function buildOnce(directory: string, build: (into: string) => Promise<void>): Promise<void>
