import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { SettingsError, describeSettings, explainSettings } from '@groundswell/proto/settings.ts'
import { environmentPrefix, settingsTable } from './config.ts'
import { HubError, formatFault } from './errors.ts'
import { readConfig } from './fs.ts'
import { createLog } from './log.ts'
import { startHub } from './wiring/start.ts'
import { drainMs } from './wiring/surroundings.ts'

/* The hub's process: configuration → hub → run until a signal → drain. */

const { version } = JSON.parse(
  readFileSync(new URL('./package.json', import.meta.url), 'utf8'),
) as { version: string }

async function main(): Promise<void> {
  const found = readConfig(process.argv.slice(2), process.env, homedir())
  if (!found) {
    process.stdout.write('hub: renders a fleet from Git and rolls it out to its clusters\n\n')
    process.stdout.write(`${describeSettings(settingsTable, environmentPrefix)}\n`)
    return
  }
  const { config, settings } = found
  const log = createLog(config.logLevel)
  log.info(explainSettings(settingsTable, settings), 'configuration')
  const stopping = new AbortController()
  const asked = new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.once(name, () => {
        stopping.abort()
        resolve(name)
      })
    }
  })
  const starting = startHub(config, log, stopping.signal, version)
  const started = await Promise.race([starting, asked])
  log.info({ signal: await asked }, 'draining')
  // One that was still starting may wait for what the same signal has ended: not for ever.
  const patience = wait(drainMs).then(() => undefined)
  const hub = typeof started === 'string' ? await Promise.race([starting, patience]) : started
  await hub?.stop()
  // Nothing is left that could be waited for; sockets of clients would hold the process open.
  process.exit(0)
}

try {
  await main()
} catch (error) {
  if (!(error instanceof HubError) && !(error instanceof SettingsError)) throw error
  const faults = error instanceof HubError ? error.faults.map(formatFault) : []
  process.stderr.write(`hub: ${faults.length > 0 ? faults.join('\n') : error.message}\n`)
  process.exit(1)
}
