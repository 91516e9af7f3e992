import type { Static, TSchema } from 'typebox'
import { isRecord } from '@groundswell/proto/record.ts'
import { type Fault, formatFault, HubError } from './errors.ts'
import { findSchemaFaults } from './fleet/load/schema-faults.ts'

/** A file of the hub's own that maps names to settings of one shape. */
export interface NamedSettings<S extends TSchema> {
  readonly where: string
  /** What there is of each name, in the plural. */
  readonly what: string
  readonly schema: S
}

/**
 * A parsed file → what `take` makes of each setting, by name. `take` is given what fits the schema; it
 * reports what the schema cannot say, and gives undefined for a setting that is not to be used.
 *
 * @throws HubError `config_invalid` with every fault
 */
export function parseNamedSettings<S extends TSchema, T>(
  value: unknown,
  { where, what, schema }: NamedSettings<S>,
  take: (given: Static<S>, report: (message: string) => void) => T | undefined,
): Map<string, T> {
  const faults: Fault[] = []
  const found = new Map<string, T>()
  if (!isRecord(value)) faults.push({ file: where, message: `not a map of ${what} by name` })
  for (const [name, given] of Object.entries(isRecord(value) ? value : {})) {
    const report = (message: string): void => {
      faults.push({ file: where, object: name, message })
    }
    const wrong = findSchemaFaults(schema, given)
    for (const { path, message } of wrong) {
      report([path.join('.'), message].filter(Boolean).join(': '))
    }
    const taken = wrong.length > 0 ? undefined : take(given as Static<S>, report)
    if (taken !== undefined) found.set(name, taken)
  }
  if (faults.length > 0) {
    throw new HubError('config_invalid', faults.map(formatFault).join('\n'), { faults })
  }
  return found
}
