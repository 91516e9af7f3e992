import { existsSync } from 'node:fs'
import { installDebianPackage } from './debian.mjs'
import { SetupError } from './say.mjs'

const path = '/usr/bin/chromium'

/** Makes sure that the browser which tests look at the dashboard with is there. */
export async function setUpChromium() {
  if (process.env.CHROMIUM_PATH || existsSync(path)) return
  await installDebianPackage('chromium', 'Chromium, for the tests of the dashboard,')
  if (existsSync(path)) return
  throw new SetupError(`${path} is not there; install Chromium, or set CHROMIUM_PATH`)
}
