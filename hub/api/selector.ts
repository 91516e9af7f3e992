import { HubError } from '../errors.ts'
import type { LabelSelector } from '../fleet/kinds/fields.ts'
import { matchesSelector } from '../fleet/resolve/selector.ts'

type Requirement = NonNullable<LabelSelector['matchExpressions']>[number]

/* Label selectors as kubectl writes them: `env=prod,tier!=db,region in (a,b),!legacy`. */

export const selectorLimits = { length: 1_024, requirements: 32 } as const

const key = String.raw`((?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)`
const value = String.raw`[-A-Za-z0-9_.]{0,63}`
const forms = {
  equality: new RegExp(`^${key} *(==|=|!=) *(${value})$`),
  // What is between the parentheses is split, not matched: spaces around nothing fit in 2^n ways.
  set: new RegExp(`^${key} +(in|notin) *\\(([^()]*)\\)$`),
  presence: new RegExp(`^(!?) *${key}$`),
}
const wholeValue = new RegExp(`^${value}$`)

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
  const selector = { matchExpressions: parts.map(parseRequirement) }
  return (labels) => matchesSelector(selector, labels)
}

/** A selector as kubectl writes it; empty for one that selects everything. */
export function formatSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`)
  return [...equal, ...matchExpressions.map(formatRequirement)].join(',')
}

function formatRequirement({ key, operator, values = [] }: Requirement): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`
    case 'NotIn':
      return `${key} notin (${values.join(',')})`
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `!${key}`
  }
}

function parseRequirement(part: string): Requirement {
  const equality = forms.equality.exec(part)
  if (equality) {
    const [, key = '', sign, value = ''] = equality
    return { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] }
  }
  const set = forms.set.exec(part)
  if (set) {
    const [, key = '', word, list = ''] = set
    const values = list.split(',').map((one) => one.trim())
    if (values.every((one) => wholeValue.test(one))) {
      return { key, operator: word === 'in' ? 'In' : 'NotIn', values }
    }
  }
  const presence = forms.presence.exec(part)
  if (presence) {
    const [, not, key = ''] = presence
    return { key, operator: not === '!' ? 'DoesNotExist' : 'Exists' }
  }
  throw new HubError(
    'invalid',
    `selector: cannot read ${JSON.stringify(part)}; write key=value, key!=value, key in (a,b), key notin (a,b), key or !key`,
  )
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
