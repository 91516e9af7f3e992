import { readCommand } from './command.mjs'
import { installDebianPackage } from './debian.mjs'
import { SetupError } from './say.mjs'

/** Makes sure that git 2.36 or newer is on PATH, with its `http-backend`. */
export async function setUpGit() {
  if (readCommand('git', ['--version']) === undefined) await installDebianPackage('git', 'git')
  const [, major, minor] = /(\d+)\.(\d+)/.exec(readCommand('git', ['--version']) ?? '') ?? []
  if (Number(major) * 1000 + Number(minor) < 2036) {
    throw new SetupError(`git is ${major}.${minor}; 2.36 or newer is needed`)
  }
}
