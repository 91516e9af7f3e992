import { spawn } from 'node:child_process'
import { constants } from 'node:os'

// One Ctrl-C reaches us twice: from the terminal, and again from npm.
const echoMs = 1_000

/**
 * Runs a program in the foreground, in a process group of its own. The first SIGINT or SIGTERM is passed on
 * once, so that it can end in order; a later one kills it. Nothing it started in its group outlives it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} exit code, 128 + signal when a signal ended it
 */
export function runInForeground(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', detached: true, env })
    const { pid } = child
    let askedAt = Number.NEGATIVE_INFINITY

    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => {
      const now = performance.now()
      if (now - askedAt < echoMs) return
      if (askedAt > 0) killGroup(pid)
      else child.kill(signal)
      askedAt = now
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, passOn)
    const lastResort = () => killGroup(pid)
    process.on('exit', lastResort)

    child.once('error', reject)
    child.once('exit', (code, signal) => {
      killGroup(pid)
      process.off('exit', lastResort)
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal])
    })
  })
}

/** @param {number | undefined} pid */
function killGroup(pid) {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing is left of it.
  }
}
