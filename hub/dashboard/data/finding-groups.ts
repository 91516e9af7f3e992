import type { ProposalView } from '../../client/gen/api.ts'

type Finding = ProposalView['findings'][number]

/** The same said of several objects. */
export interface FindingGroup extends Pick<Finding, 'severity' | 'rule' | 'message'> {
  readonly at: readonly Finding[]
}

/** What is said of the applications that change, or of none, apart from what is of the others. */
export function groupFindings(
  findings: readonly Finding[],
  changed: readonly string[],
): { readonly mine: readonly FindingGroup[]; readonly others: readonly FindingGroup[] } {
  const isMine = ({ application }: Finding) => application === '' || changed.includes(application)
  return {
    mine: group(findings.filter(isMine)),
    others: group(findings.filter((one) => !isMine(one))),
  }
}

function group(findings: readonly Finding[]): FindingGroup[] {
  const groups = new Map<string, FindingGroup & { readonly at: Finding[] }>()
  for (const one of findings) {
    const { severity, rule, message } = one
    const key = JSON.stringify([severity, rule, message])
    const known = groups.get(key)
    if (known) known.at.push(one)
    else groups.set(key, { severity, rule, message, at: [one] })
  }
  return [...groups.values()]
}
