import { readCommand } from './command.mjs'
import { installDebianPackage } from './debian.mjs'

/** Makes sure that the shells are there whose completion is tested. */
export async function setUpShells() {
  for (const shell of ['zsh', 'fish']) {
    if (readCommand(shell, ['--version']) === undefined) await installDebianPackage(shell, shell)
  }
}
