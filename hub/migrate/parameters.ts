import { isRecord } from '@groundswell/proto/record.ts'

export type Parameters = Readonly<Record<string, string>>

/**
 * Fills `{{name}}` and `{{ .name }}` into every text of a value, at any depth. What is more than a
 * name, or is no parameter, stays and is told in `unknown`.
 */
export function fillParameters(
  value: unknown,
  parameters: Parameters,
  unknown: Set<string>,
): unknown {
  if (typeof value === 'string') {
    return value.replace(/\{\{-?\s*(.*?)\s*-?\}\}/g, (whole, expression: string) => {
      const name = expression.replace(/^\./, '').replaceAll(/\[["']?([^\]"']+)["']?\]/g, '.$1')
      if (Object.hasOwn(parameters, name)) return parameters[name]!
      unknown.add(expression)
      return whole
    })
  }
  if (Array.isArray(value)) return value.map((item) => fillParameters(item, parameters, unknown))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillParameters(item, parameters, unknown)]),
  )
}

/** A map → dotted names, as generators flatten what they read. */
export function flatten(value: unknown, prefix = ''): Parameters {
  if (Array.isArray(value) || isRecord(value)) {
    return Object.assign(
      {},
      ...Object.entries(value).map(([key, item]) =>
        flatten(item, prefix === '' ? key : `${prefix}.${key}`),
      ),
    ) as Parameters
  }
  if (prefix === '') return {}
  return {
    [prefix]:
      typeof value === 'string'
        ? value
        : value === null || value === undefined
          ? ''
          : JSON.stringify(value),
  }
}
