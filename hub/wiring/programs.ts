import { fileURLToPath } from 'node:url'
import { createForkServer } from '../fork-server/fork-server.ts'
import { runProgram } from '../fork-server/process.ts'
import type { RunProgram } from '../fork-server/run.ts'
import type { Lifetime } from '../lifetime.ts'
import type { Log } from '../log.ts'

/** Runs Git by a process that is small, however large this one is. */
export function openPrograms(started: Lifetime, log: Log): RunProgram {
  const { run } = started.own(
    createForkServer({
      program: fileURLToPath(programUrl()),
      otherwise: runProgram,
      log: (message, detail) => log.warn(detail, message),
    }),
    (server) => server.close(),
  )
  return run
}

/** Beside the hub as it is shipped, and in the folder of its own among the sources. */
function programUrl(): URL {
  const isShipped = import.meta.url.endsWith('.js')
  return new URL(isShipped ? 'fork-server.js' : '../fork-server/main.ts', import.meta.url)
}
