import { isRecord } from '@groundswell/proto/record.ts'

/**
 * Fleet's `${ .ClusterLabels.region }` and `${ .ClusterName }` in values → ours. `${ }` that holds more
 * than that is returned in `unknown` and stays.
 */
export function translateTemplates(value: unknown, unknown: Set<string>): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([^}]*)\}/g, (whole, expression: string) => {
      const label = /^\s*\.ClusterLabels\.([\w-]+)\s*$/.exec(expression)?.[1]
      const quoted = /^\s*(?:get|index) \.ClusterLabels "([^"]+)"\s*$/.exec(expression)?.[1]
      const key = label ?? quoted
      if (key !== undefined) return `\${cluster.labels.${key}}`
      if (/^\s*\.ClusterName\s*$/.test(expression)) return '${cluster.name}'
      unknown.add(whole)
      return whole
    })
  }
  if (Array.isArray(value)) return value.map((item) => translateTemplates(item, unknown))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, translateTemplates(item, unknown)]),
  )
}
