import { setTimeout as wait } from 'node:timers/promises'
import { type Reply, parseRequest, writeFailure } from './messages.ts'
import { runProgram } from './process.ts'

/*
 * The fork server: a small process that starts Git for the hub, since a process is started by a copy of the
 * one that starts it. It has no environment and no memory of what it was asked, and ends with the hub.
 */

/** Milliseconds that programs have to end by themselves when the hub is gone; longer than it takes to kill them. */
const patienceMs = 3_000
const running = new Map<number, AbortController>()

function reply(message: Reply): void {
  // A hub that is gone is told nothing.
  if (process.connected) process.send!(message, () => {})
}

async function serve(message: unknown): Promise<void> {
  const request = parseRequest(message)
  if (!request) return
  if ('stop' in request) return running.get(request.stop)?.abort()
  const { id, program, args, ...options } = request
  const stop = new AbortController()
  running.set(id, stop)
  try {
    reply({ id, printed: await runProgram(program, args, { ...options, signal: stop.signal }) })
  } catch (error) {
    reply({ id, failure: writeFailure(error) })
  } finally {
    running.delete(id)
  }
}

async function end(): Promise<void> {
  for (const stop of running.values()) stop.abort()
  const deadline = performance.now() + patienceMs
  while (running.size > 0 && performance.now() < deadline) await wait(20)
  try {
    // What Git itself has started, too: all are of the group that this process leads.
    process.kill(-process.pid, 'SIGKILL')
  } finally {
    process.exit()
  }
}

process.on('message', (message) => void serve(message))
process.once('disconnect', () => void end())
// They go to all processes of a service at once, and the hub needs Git until its own end.
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
reply({ ready: true })
