import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand, withAdvice } from './command.mjs'
import { root } from './paths.mjs'
import { SetupError, sayStep } from './say.mjs'

/**
 * @typedef {{ version?: string, resolved?: string, optional?: boolean, devOptional?: boolean, link?: boolean }} LockedPackage
 */

/** Node 24, as the lock file pins it, whatever runs this script. */
export const nodePath = join(root, 'node_modules', '.bin', 'node')

/**
 * Installs the npm packages of the lock file, unless exactly they are there. Not `npm ci`: that refuses a lock file
 * that leaves out packages for other platforms, which is how a registry mirror of one platform writes it.
 */
export async function setUpPackages() {
  if (arePackagesInstalled()) return
  await sayStep('installing npm packages: about a minute the first time', () =>
    withAdvice(
      'npm says why above. It needs the network, or your registry: npm config set registry URL. Run the command again.',
      () =>
        runCommand(
          'npm',
          ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'],
          { cwd: root },
        ),
    ),
  )
  if (!arePackagesInstalled()) {
    throw new SetupError('npm did not install what package-lock.json asks for: see above')
  }
}

/** Compares what the lock file asks for with what npm says it installed; optional ones may be missing. */
function arePackagesInstalled() {
  const installedLock = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(nodePath) || !existsSync(installedLock)) return false
  const installed = readLockedPackages(installedLock)
  return Object.entries(readLockedPackages(join(root, 'package-lock.json'))).every(
    ([place, wanted]) =>
      !place.includes('node_modules/') ||
      wanted.optional === true ||
      (installed[place] === undefined
        ? wanted.devOptional === true
        : installed[place].version === wanted.version),
  )
}

/**
 * @param {string} file
 * @returns {Record<string, LockedPackage>}
 */
function readLockedPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {}
}
