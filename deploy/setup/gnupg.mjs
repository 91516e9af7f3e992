import { readCommand } from './command.mjs'
import { installDebianPackage } from './debian.mjs'

/** Makes sure that `gpg` is there: tests verify commits that were signed by OpenPGP keys. */
export async function setUpGnupg() {
  if (readCommand('gpg', ['--version']) === undefined) {
    await installDebianPackage('gnupg', 'GnuPG')
  }
}
