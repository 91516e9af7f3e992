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
    let askedAt = Number.NEGATIVE_INFINITY

    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => {
      const now = performance.now()
      if (now - askedAt < echoMs) return
      if (askedAt > 0) killGroup(pid)
      else child.kill(signal)
      askedAt = now
    }
    // Before there is anything to leave behind: a signal that comes as it starts would end us alone.
    process.on('SIGINT', passOn)
    process.on('SIGTERM', passOn)
    process.on('SIGHUP', () => passOn('SIGTERM'))
    const child = spawn(command, args, { stdio: 'inherit', detached: true, env })
    const { pid } = child
    const watch = watchNpm(() => passOn('SIGTERM'))
    const lastResort = () => killGroup(pid)
    process.on('exit', lastResort)

    child.once('error', reject)
    child.once('exit', (code, signal) => {
      killGroup(pid)
      process.off('exit', lastResort)
      clearInterval(watch)
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal])
    })
  })
}

/**
 * A signal sent to npm ends npm and its shell but does not reach us: being left alone is how we learn of it.
 * @param {() => void} onGone
 */
function watchNpm(onGone) {
  const parent = process.ppid
  if (process.env.npm_lifecycle_event === undefined) return undefined
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    onGone()
  }, 250)
  return watch
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
