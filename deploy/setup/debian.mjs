import { existsSync } from 'node:fs'
import { runCommand, withAdvice } from './command.mjs'
import { SetupError, sayStep } from './say.mjs'

/**
 * Installs a Debian package when this process is root on a machine with apt; else says what to install.
 * The package's own service is not started: Groundswell starts what it needs, on ports it chose.
 * @param {string} name
 * @param {string} why such as `Redis 7 or newer`
 */
export async function installDebianPackage(name, why) {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new SetupError(
      `${why} is needed and was not found. Install it and try again; on Debian and Ubuntu: sudo apt-get install ${name}`,
    )
  }
  // RUNLEVEL=1 makes invoke-rc.d leave the service alone.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  await sayStep(`installing ${name} with apt-get (${why}): about half a minute`, async () => {
    await withAdvice(
      `apt-get says why above. Install ${name} by your own means and run the command again.`,
      async () => {
        await runCommand('apt-get', ['update', '-qq'], { env })
        const quiet = ['install', '-y', '-qq', '--no-install-recommends']
        await runCommand('apt-get', [...quiet, name], { env })
      },
    )
  })
}
