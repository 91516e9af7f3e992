import { isRecord } from '@groundswell/proto/record.ts'

/**
 * A local veto: whoever keeps a cluster has updates of its applications wait, or refuses them.
 * Healing what runs and proving that it is the newest go on.
 */
export interface Hold {
  /** Where it was said, for people: `ConfigMap namespace/name` or a file. */
  readonly source: string
  /** True refuses what is offered meanwhile; false has it wait. */
  readonly refuse: boolean
  /** Milliseconds since the epoch; null until it is released. */
  readonly until: number | null
  readonly reason: string
  /** None names all of them. */
  readonly applications: readonly string[]
  /** Why it could not be read; it holds everything then. */
  readonly fault?: string
}

const longestReason = 500
const mostApplications = 200
const members = ['mode', 'until', 'reason', 'applications']
const nameShape = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/

/**
 * Text members, of a ConfigMap or a file, as a hold. There is no wrong hold: one that cannot be
 * read holds everything, says so, and waits for a person. A veto that a typing error lifts is none.
 */
export function readHold(value: unknown, source: string): Hold {
  const broken = (fault: string): Hold => holdAll(source, fault)
  if (!isRecord(value)) return broken('it is not a mapping')
  for (const [member, text] of Object.entries(value)) {
    if (!members.includes(member)) {
      return broken(`${member.slice(0, 60)} is not known; it has ${members.join(', ')}`)
    }
    if (typeof text !== 'string') return broken(`${member} is not text`)
  }
  const { mode = 'postpone', until = '', reason = '', applications = '' } = value as Members
  if (mode !== 'postpone' && mode !== 'refuse') return broken('mode is neither postpone nor refuse')
  const end = until.trim() === '' ? null : parseTime(until.trim())
  if (end === undefined) return broken('until is not a time such as 2026-05-01T06:00:00Z')
  const names = applications.split(/[\s,]+/).filter(Boolean)
  const wrong = names.find((name) => !nameShape.test(name))
  if (wrong !== undefined) return broken(`${wrong.slice(0, 60)} is not the name of an application`)
  if (names.length > mostApplications) {
    return broken(`it names more than ${mostApplications} applications; leave them out to hold all`)
  }
  return {
    source,
    refuse: mode === 'refuse',
    until: end,
    reason: reason.trim().slice(0, longestReason),
    applications: names,
  }
}

type Members = Partial<Record<string, string>>

/** A hold of everything, for as long as it is not known what was meant. */
export function holdAll(source: string, fault: string): Hold {
  return { source, refuse: false, until: null, reason: '', applications: [], fault }
}

/** RFC 3339 with its zone: a time of nobody's zone would end some hours off. */
function parseTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(text))
    return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

export function isOver({ until }: Hold, now: number): boolean {
  return until !== null && until <= now
}

/** Whether any of these keeps an application from being updated now. */
export function isHeld(holds: readonly Hold[], application: string, now: number): boolean {
  return holds.some((hold) => !isOver(hold, now) && covers(hold, application))
}

function covers({ applications }: Hold, application: string): boolean {
  return applications.length === 0 || applications.includes(application)
}

/** One line for whoever stands at the cluster. */
export function describeHold({ source, refuse, until, reason, applications, fault }: Hold): string {
  const what = applications.length === 0 ? 'all applications' : applications.join(', ')
  const end = until === null ? 'until released' : `until ${new Date(until).toISOString()}`
  const words = `updates of ${what} ${refuse ? 'are refused' : 'wait'} ${end}, by ${source}`
  if (fault !== undefined) return `${words}: it cannot be read: ${fault}`
  return reason ? `${words}: ${reason}` : words
}
