import type { LiveObject } from '../cluster/port.ts'
import { at, conditionOf, list, text } from './health-facts.ts'

/* Why an object is not ready, in the words of its worst pod and of the newest warning. */

const wordsLimit = 200

/** What a pod suffers from; a greater `rank` is worse. */
interface Ailment {
  readonly rank: number
  readonly words: string
}

/** The pod that says most of what is wrong; undefined when all are well. */
export function findWorstPod(
  pods: readonly LiveObject[],
): { readonly pod: LiveObject; readonly words: string } | undefined {
  let worst: { pod: LiveObject; ailment: Ailment } | undefined
  for (const pod of pods) {
    const ailment = findAilment(pod)
    if (ailment && (!worst || ailment.rank > worst.ailment.rank)) worst = { pod, ailment }
  }
  return (
    worst && { pod: worst.pod, words: `pod ${worst.pod.metadata.name}: ${worst.ailment.words}` }
  )
}

/** The newest warning among events, as `Reason: message`; undefined when there is none. */
export function findWarning(events: readonly LiveObject[]): string | undefined {
  const warnings = events.filter((event) => event['type'] === 'Warning')
  const newest = warnings.sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1))[0]
  if (!newest) return undefined
  return `${text(newest['reason'])}: ${clip(text(newest['message']))}`
}

function findAilment(pod: LiveObject): Ailment | undefined {
  if (pod.metadata.deletionTimestamp) return undefined
  const phase = text(at(pod, 'status', 'phase'))
  if (phase === 'Succeeded') return undefined
  const statuses = ['initContainerStatuses', 'containerStatuses'].flatMap((member) =>
    list(at(pod, 'status', member)),
  )
  const found = statuses.flatMap((status) => findContainerAilment(status) ?? [])
  const scheduled = conditionOf(pod, 'PodScheduled')
  if (scheduled?.status === 'False') {
    found.push({ rank: 3, words: `not scheduled: ${clip(scheduled.message)}` })
  }
  if (phase === 'Failed') {
    const reason = text(at(pod, 'status', 'reason')) || 'failed'
    found.push({ rank: 4, words: join(reason, clip(text(at(pod, 'status', 'message')))) })
  }
  const worst = found.sort((a, b) => b.rank - a.rank)[0]
  if (worst) return worst
  if (phase === 'Pending') return { rank: 1, words: 'pending' }
  return conditionOf(pod, 'Ready')?.status === 'False'
    ? { rank: 1, words: 'running, not ready' }
    : undefined
}

/**
 * The message a container left when it ended may be the end of its log, and so anything at all:
 * only reason and exit code are told.
 */
function findContainerAilment(status: unknown): Ailment | undefined {
  const name = `container ${text(at(status, 'name'))}`
  const restarts = at(status, 'restartCount')
  const ended = at(status, 'state', 'terminated') ?? at(status, 'lastState', 'terminated')
  const before = [
    ...(typeof restarts === 'number' && restarts > 0 ? [`restarted ${restarts} times`] : []),
    ...(ended === undefined ? [] : [endOf(ended)]),
  ].join(', ')
  const waiting = text(at(status, 'state', 'waiting', 'reason'))
  if (waiting && waiting !== 'ContainerCreating' && waiting !== 'PodInitializing') {
    const told =
      waiting === 'CrashLoopBackOff' ? '' : text(at(status, 'state', 'waiting', 'message'))
    const words = join(`${name} waits, ${waiting}`, [clip(told), before].filter(Boolean).join('; '))
    return { rank: /Err|BackOff/.test(waiting) ? 5 : 2, words }
  }
  const code = at(status, 'state', 'terminated', 'exitCode')
  if (typeof code === 'number' && code !== 0) return { rank: 4, words: `${name} ended, ${before}` }
  if (at(status, 'ready') === false && before) {
    return { rank: 2, words: `${name} is not ready, ${before}` }
  }
  return undefined
}

function endOf(terminated: unknown): string {
  const reason = text(at(terminated, 'reason'))
  const code = at(terminated, 'exitCode')
  const exit = typeof code === 'number' ? `exit code ${code}` : ''
  return [reason === 'Error' || reason === 'Completed' ? '' : reason, exit]
    .filter(Boolean)
    .join(' ')
}

function timeOf(event: LiveObject): string {
  return (
    text(at(event, 'series', 'lastObservedTime')) ||
    text(event['lastTimestamp']) ||
    text(event['eventTime']) ||
    text(at(event, 'metadata', 'creationTimestamp'))
  )
}

function join(head: string, tail: string): string {
  return tail ? `${head}: ${tail}` : head
}

function clip(words: string): string {
  return words.length > wordsLimit ? `${words.slice(0, wordsLimit)}…` : words
}
