import { AgentError } from '../errors.ts'
import { type Hold, describeHold, readHold } from './hold.ts'

/* `agent hold`: what to write into the hold's file, from the words of a command line. */

export type HoldCommand =
  | {
      readonly kind: 'set'
      readonly members: Readonly<Record<string, string>>
      readonly hold: Hold
    }
  | { readonly kind: 'release' }

export const holdUsage = `agent hold [--until TIME] [--reason TEXT] [--refuse] [APPLICATION…] [--data DIR]
agent hold --release [--data DIR]

Has updates wait, of these applications or of all; with --refuse they are refused. What runs goes on
being healed. TIME is RFC 3339, such as 2026-05-01T06:00:00Z, or a duration, such as 90m or 2d.
In a cluster, a ConfigMap groundswell-hold in the agent's namespace does the same.
`

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * Words after `hold` → what was asked, and the words that are settings of the agent.
 *
 * @throws AgentError `config_invalid`
 */
export function parseHoldCommand(
  argv: readonly string[],
  now: number,
): { readonly command: HoldCommand; readonly settings: readonly string[] } {
  const members: Record<string, string> = {}
  const applications: string[] = []
  const settings: string[] = []
  let release = false
  const words = argv.flatMap((word) => {
    const [, flag, value] = /^(--[a-z-]+)=(.*)$/s.exec(word) ?? []
    return flag === undefined ? [word] : [flag, value!]
  })
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!
    if (word === '--release') release = true
    else if (word === '--refuse') members['mode'] = 'refuse'
    else if (!word.startsWith('-')) applications.push(word)
    else {
      const value = words[(at += 1)]
      if (value === undefined) throw new AgentError('config_invalid', `${word} needs a value`)
      if (word === '--until') members['until'] = toTime(value, now)
      else if (word === '--reason') members['reason'] = value
      else settings.push(word, value)
    }
  }
  if (release) {
    if (applications.length > 0 || Object.keys(members).length > 0) {
      throw new AgentError('config_invalid', '--release releases all, and takes nothing else')
    }
    return { command: { kind: 'release' }, settings }
  }
  if (applications.length > 0) members['applications'] = applications.join(' ')
  const hold = readHold(members, 'this command')
  if (hold.fault !== undefined) throw new AgentError('config_invalid', hold.fault)
  if (hold.until !== null && hold.until <= now) {
    throw new AgentError('config_invalid', '--until is over already')
  }
  return { command: { kind: 'set', members, hold }, settings }
}

/** What was done, for whoever asked. */
export function sayHold({ hold }: Extract<HoldCommand, { kind: 'set' }>, path: string): string {
  return `${describeHold({ ...hold, source: path })}\n`
}

function toTime(text: string, now: number): string {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  if (count === undefined) return text
  return new Date(now + Number(count) * units[unit as keyof typeof units]).toISOString()
}
