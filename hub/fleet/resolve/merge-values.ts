export type Values = Readonly<Record<string, unknown>>

/**
 * Helm's way of laying one set of values over another: maps merge, everything else replaces, lists
 * too, and null takes the key away. Neither input is changed.
 */
export function mergeValues(base: Values, over: Values): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(merged, key) ? merged[key] : undefined
    if (value === null) delete merged[key]
    else if (isValues(value)) set(merged, key, mergeValues(isValues(below) ? below : {}, value))
    else set(merged, key, value)
  }
  return merged
}

export function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Plain assignment of `__proto__` would not make a member. */
function set(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}
