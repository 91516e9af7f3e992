import { readFileSync } from 'node:fs'
import { constants, enableCompileCache, flushCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { SettingsError, describeSettings, explainSettings } from '@groundswell/proto/settings.ts'
import type { HubConfig } from './config.ts'
import { environmentPrefix, settingsTable } from './settings-table.ts'
import { HubError, formatFault } from './errors.ts'
import { readConfig } from './fs.ts'
import { type Log, createLog } from './log.ts'
import { createLogTail } from './log-tail.ts'
import { listForeignSettings } from './role.ts'
import { startRole } from './wiring/role.ts'
import type { About } from './wiring/support.ts'
import { tuneCompilers } from './v8.ts'
import { type RunningHub, drainMs } from './wiring/surroundings.ts'

/* The hub's process, or that of one of its roles: configuration → hub → run until a signal → drain. */

const { version, build } = JSON.parse(
  readFileSync(new URL('./package.json', import.meta.url), 'utf8'),
) as { version: string; build?: string }

/** Tells a supervisor to start it again, as a replica that stands by (EX_TEMPFAIL). */
const lostLeaseCode = 75

async function main(): Promise<void> {
  tuneCompilers()
  const found = readConfig(process.argv.slice(2), process.env, homedir())
  if (!found) {
    process.stdout.write('hub: renders a fleet from Git and rolls it out to its clusters\n\n')
    process.stdout.write(`${describeSettings(settingsTable, environmentPrefix)}\n`)
    return
  }
  const { config, settings } = found
  const tail = createLogTail()
  const log = createLog(config.logLevel, tail)
  const explained = explainSettings(settingsTable, settings)
  log.info(explained, 'configuration')
  for (const words of listForeignSettings(config.role, settingsTable, settings).warnings) {
    log.warn({}, `${words}; it is not used`)
  }
  const stopping = new AbortController()
  const asked = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        stopping.abort()
        resolve(name)
      })
    }
  })
  const about = { version, build, settings: explained, log: tail }
  const starting = start(config, log, stopping.signal, about)
  const started = await Promise.race([starting, asked])
  const lost = typeof started === 'string' ? undefined : started.lost
  const signal = await Promise.race([asked, ...(lost ? [lost] : [])])
  if (signal) log.info({ signal }, 'draining')
  else log.error({}, 'another replica may lead by now: this one ends, to be started again')
  stopping.abort()
  // One that was still starting may wait for what the same signal has ended: not for ever.
  const patience = wait(drainMs).then(() => undefined)
  const hub =
    typeof started === 'string'
      ? await Promise.race([starting, patience]).catch(() => undefined)
      : started
  await (signal ? hub?.stop() : Promise.race([hub?.stop(), patience]))
  // Nothing is left that could be waited for; sockets of clients would hold the process open.
  process.exit(signal ? 0 : lostLeaseCode)
}

/**
 * Of a role of its own, no more is loaded than it needs. What V8 made of it is kept for the next
 * start, beside keys that are worth more: who may write there is the hub.
 */
async function start(
  config: HubConfig,
  log: Log,
  signal: AbortSignal,
  about: About,
): Promise<RunningHub> {
  const { status } = enableCompileCache(join(config.data, 'compiled'))
  const running = await startRoleOf(config, log, signal, about)
  // Node itself does so at an orderly end only.
  if (status === constants.compileCacheStatus.ENABLED) flushCompileCache()
  return running
}

async function startRoleOf(
  config: HubConfig,
  log: Log,
  signal: AbortSignal,
  about: About,
): Promise<RunningHub> {
  switch (config.role) {
    case 'all':
    case 'api': {
      const { startHub } = await import('./wiring/start.ts')
      return startHub(config, log, signal, about)
    }
    case 'renderer': {
      const { startRendererRole } = await import('./wiring/renderer.ts')
      return startRole(config, log, signal, about, startRendererRole)
    }
    case 'signer': {
      const { startSignerRole } = await import('./wiring/signer.ts')
      return startRole(config, log, signal, about, startSignerRole)
    }
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof HubError) && !(error instanceof SettingsError)) throw error
  const faults = error instanceof HubError ? error.faults.map(formatFault) : []
  process.stderr.write(`hub: ${faults.length > 0 ? faults.join('\n') : error.message}\n`)
  process.exit(1)
}
