import { spawn, spawnSync } from 'node:child_process'
import { SetupError } from './say.mjs'

/**
 * Runs a command to its end; its output goes to stderr.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<void>}
 * @throws {SetupError} when it cannot start or does not exit with 0
 */
export function runCommand(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 2, 2] })
    child.once('error', (cause) => {
      reject(new SetupError(`cannot run ${command}: ${cause.message}`, { cause }))
    })
    child.once('exit', (code, signal) => {
      if (code === 0) resolve()
      else reject(new SetupError(`${command} ${args.join(' ')}: ended with ${signal ?? code}`))
    })
  })
}

/**
 * Adds what a person may do about it to why something failed.
 * @param {string} advice
 * @param {() => Promise<void>} work
 * @throws {SetupError}
 */
export async function withAdvice(advice, work) {
  try {
    await work()
  } catch (cause) {
    if (!(cause instanceof SetupError)) throw cause
    throw new SetupError(`${cause.message}\n  ${advice}`, { cause })
  }
}

/**
 * What a quick command prints on stdout and stderr, or undefined when it is not there.
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {string | undefined}
 */
export function readCommand(command, args) {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 30_000 })
  return error ? undefined : `${stdout}${stderr}`.trim()
}
