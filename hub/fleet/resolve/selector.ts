import type { LabelSelector } from '../kinds/fields.ts'

export type Labels = Readonly<Record<string, string>>

/**
 * Whether labels match, as Kubernetes decides it: all conditions hold; an empty selector matches
 * everything; `NotIn` and `DoesNotExist` match where the label is absent.
 */
export function matchesSelector(selector: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(selector.matchLabels ?? {}).every(
      ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
    ) && (selector.matchExpressions ?? []).every((expression) => holds(expression, labels))
  )
}

type Expression = NonNullable<LabelSelector['matchExpressions']>[number]

function holds({ key, operator, values = [] }: Expression, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}

/** What Kubernetes would refuse in a selector; `path` is within the selector. */
export function findSelectorFaults(
  selector: LabelSelector,
): { path: (string | number)[]; message: string }[] {
  const faults: { path: (string | number)[]; message: string }[] = []
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    const wrong = whyBadLabel(key, value)
    if (wrong) faults.push({ path: ['matchLabels', key], message: wrong })
  }
  for (const [index, expression] of (selector.matchExpressions ?? []).entries()) {
    const path = ['matchExpressions', index]
    const { key, operator, values } = expression
    const needsValues = operator === 'In' || operator === 'NotIn'
    if (needsValues && !values?.length) {
      faults.push({ path: [...path, 'operator'], message: `${operator} needs \`values\`` })
    }
    if (!needsValues && values?.length) {
      faults.push({ path: [...path, 'values'], message: `${operator} takes no \`values\`` })
    }
    const wrong = whyBadLabel(key, '')
    if (wrong) faults.push({ path: [...path, 'key'], message: wrong })
    for (const [at, value] of (values ?? []).entries()) {
      const wrongValue = whyBadLabel('key', value)
      if (wrongValue) faults.push({ path: [...path, 'values', at], message: wrongValue })
    }
  }
  return faults
}

/** Why Kubernetes would refuse this label, or undefined. */
export function whyBadLabel(key: string, value: string): string | undefined {
  const slash = key.indexOf('/')
  const prefix = key.slice(0, Math.max(0, slash))
  if (slash >= 0 && (prefix.length > 253 || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(prefix))) {
    return `label key "${key}": what stands before the slash is not a DNS name`
  }
  if (!/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(key.slice(slash + 1))) {
    return `label key "${key}" is not letters, digits, -, _ and ., at most 63`
  }
  if (value !== '' && !/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(value)) {
    return `label value "${value}" is not letters, digits, -, _ and ., at most 63`
  }
  return undefined
}
