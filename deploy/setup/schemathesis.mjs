import { join } from 'node:path'
import { buildOnce } from './build-once.mjs'
import { readCommand, runCommand } from './command.mjs'
import { installDebianPackage } from './debian.mjs'
import { isExecutable, root, schemathesisDir, schemathesisPython } from './paths.mjs'
import { say, sayStep } from './say.mjs'

/**
 * Makes sure that schemathesis is there, in a Python environment of its own with pinned packages: one test
 * tries the REST API with it. Where Python cannot be had that is said, and the test is skipped.
 */
export async function setUpSchemathesis() {
  if (isExecutable(schemathesisPython())) return
  try {
    if (!readCommand('python3', ['-c', 'import ensurepip, venv; print("yes")'])?.endsWith('yes')) {
      await installDebianPackage('python3-venv', 'Python with its venv module')
    }
    await sayStep('installing schemathesis for one test', () =>
      buildOnce(schemathesisDir(), async (into) => {
        await runCommand('python3', ['-m', 'venv', into])
        const requirements = join(root, 'test', 'schemathesis', 'requirements.txt')
        // No more than the list has, and nothing is built from sources.
        const pinned = ['--no-deps', '--only-binary', ':all:', '--requirement', requirements]
        const quiet = ['--quiet', '--disable-pip-version-check', '--no-input']
        await runCommand(join(into, 'bin', 'python'), ['-m', 'pip', 'install', ...quiet, ...pinned])
      }),
    )
  } catch (error) {
    say(`the test with schemathesis is skipped: ${/** @type {Error} */ (error).message}`)
  }
}
