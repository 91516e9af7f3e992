import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Caller, createCaller } from '../../hub/roles/caller.ts'
import type { SocketName } from '../../hub/roles/message.ts'
import { dialUnix } from '../../hub/roles/unix.ts'

/** Reaches a role's socket as another role does; returns when it is connected. */
export async function dialRole(
  sockets: string,
  socket: SocketName,
): Promise<{ readonly caller: Caller; close(): Promise<void> }> {
  const file = socket === 'render' ? 'renderer.sock' : 'signer.sock'
  const place = { directory: join(sockets, socket), file, frameBytes: 128 * 1024 * 1024 }
  const caller = createCaller({
    socket,
    fleet: 'groundswell',
    away: 'signer_unavailable',
    dial: (accept) => dialUnix(place, accept),
    random: Math.random,
    sleep: (ms, signal) => wait(ms, undefined, { signal }),
    after(ms, run) {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
  })
  await caller.ready(AbortSignal.timeout(10_000))
  return { caller, close: () => caller.close() }
}
