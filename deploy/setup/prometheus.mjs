import { readCommand } from './command.mjs'
import { installDebianPackage } from './debian.mjs'
import { say } from './say.mjs'

/**
 * Makes sure that `prometheus` is there: tests measure the gates of rollouts by it. It is of use to
 * those alone, so where it cannot be had that is said, and they are skipped.
 */
export async function setUpPrometheus() {
  if (readCommand('prometheus', ['--version']) !== undefined) return
  try {
    await installDebianPackage('prometheus', 'Prometheus')
  } catch (error) {
    say(`tests with a real Prometheus are skipped: ${/** @type {Error} */ (error).message}`)
  }
}
