import { isRecord } from '@groundswell/proto/record.ts'

export type Parameters = Readonly<Record<string, string>>

/** Go's way to a member whose name is none of a variable, or to one of a list. */
const indexed = /^index\s+\.?([\w.]+)((?:\s+(?:"[^"]+"|`[^`]+`|\d+))+)$/

/**
 * Fills `{{name}}`, `{{ .name }}` and `{{ index .name "key" }}` into every text of a value, at any depth.
 * What is more than a name, or is no parameter, stays and is told in `unknown`.
 */
export function fillParameters(
  value: unknown,
  parameters: Parameters,
  unknown: Set<string>,
): unknown {
  if (typeof value === 'string') {
    return value.replace(/\{\{-?\s*(.*?)\s*-?\}\}/g, (whole, expression: string) => {
      const name = nameOf(expression)
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

function nameOf(expression: string): string {
  const [, base, keys] = indexed.exec(expression) ?? []
  if (base !== undefined) {
    return [base, ...keys!.trim().split(/\s+/)].join('.').replaceAll(/["`]/g, '')
  }
  return expression.replace(/^\./, '').replaceAll(/\[["']?([^\]"']+)["']?\]/g, '.$1')
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
