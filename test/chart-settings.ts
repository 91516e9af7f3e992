import { settingsTable } from '../hub/settings-table.ts'

/** Settings that the hub's chart decides by itself: there is no word for them in its `settings`. */
const decided = new Set([
  ...['config', 'help', 'role', 'sockets', 'data', 'redis', 'replica', 'shared', 'host'],
  ...['peerHost', 'peerPort', 'apiPort', 'enrolPort', 'dataPort', 'metricsPort'],
])
const needed = new Set(['fleet', 'advertise'])

/** What `settings` of the hub's chart may hold, as its values.schema.json says it. */
export function describeChartSettings(): Readonly<Record<string, object>> {
  return Object.fromEntries(
    settingsTable
      .filter(({ key }) => !decided.has(key))
      .map(({ key, help, boolean }) => {
        const type = boolean ? 'boolean' : ['string', 'number']
        const rest = { description: help }
        return [
          key,
          needed.has(key) ? { type: 'string', minLength: 1, ...rest } : { type, ...rest },
        ]
      }),
  )
}
