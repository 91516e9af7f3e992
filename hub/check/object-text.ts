import { stringify } from 'yaml'

export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** Canonical JSON → value, with integers that a double cannot hold as bigints. */
export function parseExact(text: string): Json {
  return JSON.parse(text, function revive(this: unknown, _key, value: unknown, context?: unknown) {
    const { source } = context as { source?: string }
    if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined)
      return value
    return /^-?[0-9]+$/.test(source) ? BigInt(source) : value
  }) as Json
}

/** An object as people read it: YAML, its members in the order of canonical JSON. */
export function formatObject(value: Json): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' })
}

/** A value on one line, as YAML has it: `[ { approval: { role: operator } } ]`. */
export function formatInline(value: Json): string {
  return stringify(value, { lineWidth: 0, collectionStyle: 'flow', version: '1.1' }).trimEnd()
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
