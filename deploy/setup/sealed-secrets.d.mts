/** Makes sure that the controller of SealedSecrets and `kubeseal` are built. */
export function setUpSealedSecrets(): Promise<void>
