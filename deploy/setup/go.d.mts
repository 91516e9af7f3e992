/** Whether a Go release (`go1.26.8` or `1.26.8`) is the needed one or newer. */
export function isAtLeast(version: string, needed: string): boolean
