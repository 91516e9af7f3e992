/**
 * A key that opens encrypted Secrets, and whom they are encrypted for: an age recipient and its
 * identity, or the fingerprint of an OpenPGP key and that key, armored.
 */
export interface SopsIdentity {
  readonly recipient: string
  readonly key: string
}
