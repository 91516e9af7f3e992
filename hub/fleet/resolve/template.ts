import { isValues } from './merge-values.ts'
import type { Labels } from './selector.ts'

/** What `${cluster.…}` may name. */
export interface TemplateCluster {
  readonly name: string
  readonly labels: Labels
  /** Null: nobody has said which; undefined: it is not asked yet, and stays as it is written. */
  readonly version?: string | null | undefined
}

/** A reference that names nothing; `path` leads to its string within what was filled in. */
export interface TemplateFault {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** No label's key is longer. Without a bound, what is never closed is looked through to the end from each beginning. */
const reference = /(\$?)\$\{(cluster\b[^}]{0,400})\}/g

/** What begins with a `${` that nothing closes, cut short, as a fault's words; undefined where there is none. */
export function whyUnclosed(text: string): string | undefined {
  const at = text.lastIndexOf('${')
  if (at < 0 || text.includes('}', at)) return undefined
  const rest = text.slice(at).split('\n')[0]!
  return `${rest.length > 40 ? `${rest.slice(0, 39)}…` : rest} is not closed; write } after the name`
}

/**
 * Fills in `${cluster.name}` and `${cluster.labels.KEY}` in every string of a value, at any depth;
 * keys stay as they are. `$${cluster.name}` stays, with one dollar less. Other `${…}` is left alone.
 */
export function fillTemplate<T>(value: T, cluster: TemplateCluster, faults: TemplateFault[]): T {
  return fill(value, cluster, faults, []) as T
}

function fill(
  value: unknown,
  cluster: TemplateCluster,
  faults: TemplateFault[],
  path: readonly (string | number)[],
): unknown {
  if (typeof value === 'string') {
    return value.replace(reference, (whole: string, escape: string, name: string) => {
      if (escape) return whole.slice(1)
      const found = look(name, cluster)
      if ('text' in found) return found.text ?? whole
      faults.push({ path, message: found.fault })
      return whole
    })
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => fill(item, cluster, faults, [...path, index]))
  }
  if (!isValues(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fill(item, cluster, faults, [...path, key])]),
  )
}

function look(
  name: string,
  cluster: TemplateCluster,
): { text: string | undefined } | { fault: string } {
  if (name === 'cluster.name') return { text: cluster.name }
  if (name === 'cluster.kubernetesVersion') {
    if (cluster.version !== null) return { text: cluster.version }
    return {
      fault: `\${${name}}: cluster ${cluster.name} declares no \`kubernetesVersion\`, and no agent has reported one yet`,
    }
  }
  const label = /^cluster\.labels\.(.+)$/.exec(name)?.[1]
  if (label === undefined) {
    return {
      fault: `\${${name}} is not known; there are \${cluster.name}, \${cluster.kubernetesVersion} and \${cluster.labels.KEY}`,
    }
  }
  return Object.hasOwn(cluster.labels, label)
    ? { text: cluster.labels[label]! }
    : { fault: `\${${name}}: cluster ${cluster.name} has no label "${label}"` }
}
