import { readCommand } from './command.mjs'
import { installDebianPackage } from './debian.mjs'
import { SetupError } from './say.mjs'

const oldestGit = [2, 37]

/** Makes sure that Git is on PATH and new enough, with its `http-backend`. */
export async function setUpGit() {
  const needed = oldestGit.join('.')
  if (readCommand('git', ['--version']) === undefined) {
    await installDebianPackage('git', `Git ${needed} or newer`)
  }
  const printed = readCommand('git', ['--version']) ?? ''
  const [found = 'of an unknown version', major, minor] =
    /(\d+)\.(\d+)(?:\.\d+)*/.exec(printed) ?? []
  const isNew = Number(major) * 1000 + Number(minor) >= oldestGit[0] * 1000 + oldestGit[1]
  if (isNew) return
  throw new SetupError(
    `git is ${found}; ${needed} or newer is needed. Install a newer one (https://git-scm.com/downloads; on Ubuntu: sudo add-apt-repository ppa:git-core/ppa && sudo apt-get install git), have its directory first on PATH, and run the command again.`,
  )
}
