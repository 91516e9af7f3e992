import { readCommand } from './command.mjs'
import { installDebianPackage } from './debian.mjs'

/** Makes sure that `age-keygen` is there: guides print it, and tests run what they print. */
export async function setUpAge() {
  if (readCommand('age-keygen', ['--version']) === undefined) {
    await installDebianPackage('age', 'age')
  }
}
