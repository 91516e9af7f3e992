/** Makes sure that `age-keygen` is there. */
export function setUpAge(): Promise<void>
