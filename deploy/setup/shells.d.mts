/** Makes sure that the shells are there whose completion is tested. */
export function setUpShells(): Promise<void>
