/** Makes sure that the `sops` which encrypted Secrets are compared with is built. */
export function setUpSops(): Promise<void>
