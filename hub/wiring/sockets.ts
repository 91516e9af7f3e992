import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { HubErrorCode } from '../errors.ts'
import { type AnswererDeps, createAnswerer } from '../roles/answerer.ts'
import { type Caller, type CallerDeps, createCaller } from '../roles/caller.ts'
import type { SocketName } from '../roles/message.ts'
import { dialUnix, listenUnix } from '../roles/unix.ts'
import { type Surroundings, drainMs } from './surroundings.ts'

/** A content's text, or a fleet's; signing asks for little. */
const frameBytes: Readonly<Record<SocketName, number>> = {
  attest: 64 * 1024 * 1024,
  render: 128 * 1024 * 1024,
  sign: 4 * 1024 * 1024,
}
const atOnce = 256

function placeOf(sockets: string, socket: SocketName) {
  const file = socket === 'render' ? 'renderer.sock' : 'signer.sock'
  return { directory: join(sockets, socket), file, frameBytes: frameBytes[socket] }
}

/** Answers on one of this role's sockets until the end, and then what was asked before it. */
export async function openSocket(
  { config, log, started }: Surroundings,
  socket: SocketName,
  deps: Pick<AnswererDeps, 'methods' | 'news'>,
): Promise<Pick<ReturnType<typeof createAnswerer>, 'tell'>> {
  const answerer = createAnswerer({
    ...deps,
    socket,
    fleet: config.fleetName,
    atOnce,
    onFault: (message, err) => log.warn({ err }, message),
  })
  const listener = await listenUnix(placeOf(config.sockets, socket), answerer.accept)
  started.own(answerer, async () => {
    await Promise.race([answerer.drain(), wait(drainMs, undefined, { ref: false })])
    await listener.close()
  })
  log.info({ socket: listener.path }, 'listening')
  return answerer
}

/** Reaches another role's socket, again and again until the end. */
export function reachSocket(
  { config, log, started, away: allAway }: Surroundings,
  socket: SocketName,
  away: Extract<HubErrorCode, `${string}_unavailable`>,
  hooks: Pick<CallerDeps, 'onNews' | 'onUp'> = {},
): Caller {
  const place = placeOf(config.sockets, socket)
  return started.own(
    createCaller({
      ...hooks,
      socket,
      fleet: config.fleetName,
      away,
      dial: (accept) => dialUnix(place, accept),
      random: Math.random,
      sleep: (ms, signal) => wait(ms, undefined, { signal }),
      after(ms, run) {
        const timer = setTimeout(run, ms)
        timer.unref()
        return () => clearTimeout(timer)
      },
      onUp() {
        allAway.delete(away)
        log.info({ socket: place.directory }, 'connected')
        hooks.onUp?.()
      },
      onDown(err) {
        allAway.add(away)
        const role = away === 'signer_unavailable' ? 'signer' : 'renderer'
        log.warn({ err }, `${err.message}; is the process of \`--role ${role}\` there?`)
      },
    }),
    (caller) => caller.close(),
  )
}
