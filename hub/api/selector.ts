import { HubError } from '../errors.ts'

/* Label selectors as kubectl writes them: `env=prod,tier!=db,region in (a,b),!legacy`. */

interface Requirement {
  readonly key: string
  /** The label must be there (true), must not be (false); with values, must be one or none of them. */
  readonly wanted: boolean
  readonly values: ReadonlySet<string> | null
}

export const selectorLimits = { length: 1_024, requirements: 32 } as const

const key = String.raw`((?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)`
const value = String.raw`[-A-Za-z0-9_.]{0,63}`
const forms = {
  equality: new RegExp(`^${key} *(==|=|!=) *(${value})$`),
  set: new RegExp(`^${key} +(in|notin) *\\(( *${value} *(?:, *${value} *)*)\\)$`),
  presence: new RegExp(`^(!?) *${key}$`),
}

/**
 * Text → a test over labels. Empty text selects everything.
 * @throws HubError `invalid` naming the part that cannot be read.
 */
export function parseSelector(text: string): (labels: Readonly<Record<string, string>>) => boolean {
  if (text.length > selectorLimits.length) {
    throw new HubError('invalid', `selector: longer than ${selectorLimits.length} characters`)
  }
  const parts = text.trim() === '' ? [] : splitParts(text)
  if (parts.length > selectorLimits.requirements) {
    throw new HubError('invalid', `selector: more than ${selectorLimits.requirements} parts`)
  }
  const requirements = parts.map(parseRequirement)
  return (labels) => requirements.every((one) => holds(one, labels))
}

function parseRequirement(part: string): Requirement {
  const equality = forms.equality.exec(part)
  if (equality) {
    return { key: equality[1]!, wanted: equality[2] !== '!=', values: new Set([equality[3]!]) }
  }
  const set = forms.set.exec(part)
  if (set) {
    const values = new Set(set[3]!.split(',').map((one) => one.trim()))
    return { key: set[1]!, wanted: set[2] === 'in', values }
  }
  const presence = forms.presence.exec(part)
  if (presence) return { key: presence[2]!, wanted: presence[1] === '', values: null }
  throw new HubError(
    'invalid',
    `selector: cannot read ${JSON.stringify(part)}; write key=value, key!=value, key in (a,b), key notin (a,b), key or !key`,
  )
}

function holds(requirement: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const label = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined
  const met =
    requirement.values === null
      ? label !== undefined
      : label !== undefined && requirement.values.has(label)
  return met === requirement.wanted
}

/** At commas outside parentheses. */
function splitParts(text: string): string[] {
  const parts: string[] = []
  let start = 0
  let depth = 0
  for (let i = 0; i <= text.length; i++) {
    const char = text[i]
    if (char === '(') depth++
    else if (char === ')') depth--
    else if (char === undefined || (char === ',' && depth === 0)) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  return parts
}
