/** Makes sure that the Vault which agents read from in tests is built. */
export function setUpVault(): Promise<void>
