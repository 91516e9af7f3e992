import { useEffect, useState } from 'preact/hooks'

/** A state in a word, with the shape that says the same without colour. */
export function Word({ word }: { readonly word: string }) {
  const { shape, css } = shapeOf(word)
  return (
    <span class={`word ${css}`}>
      <span aria-hidden="true">{shape}</span> {word}
    </span>
  )
}

export function shapeOf(word: string): { readonly shape: string; readonly css: string } {
  return shapes[word] ?? { shape: '○', css: 'neutral' }
}

const good = { shape: '●', css: 'updated' }
const moving = { shape: '◐', css: 'pending' }
const bad = { shape: '✕', css: 'failed' }
const away = { shape: '?', css: 'unreachable' }
const waiting = { shape: '■', css: 'held' }
const shapes: Readonly<Record<string, { readonly shape: string; readonly css: string }>> = {
  ...{
    Connected: good,
    Applied: good,
    Removed: { shape: '−', css: 'neutral' },
    Current: good,
    Succeeded: good,
    Enrolled: good,
    Passed: good,
  },
  ...{
    Progressing: moving,
    Applying: moving,
    InProgress: moving,
    Offered: moving,
    Soaking: moving,
  },
  ...{ Incomplete: waiting, Note: { shape: '○', css: 'neutral' }, Denied: bad },
  ...{ Denies: bad, Warns: waiting, Notes: { shape: '○', css: 'neutral' } },
  ...{ Waiting: waiting, Warning: waiting, Measuring: moving },
  ...{ RollingBack: moving, Reverting: moving, Terminating: moving },
  ...{ 'Not healthy': bad },
  ...{ Failed: bad, Refused: bad, TimedOut: bad, Locked: bad, Revoked: bad, NotFound: bad },
  ...{ Disconnected: away, NeverConnected: away, Unreachable: away, Unknown: away },
  ...{ Paused: waiting, Pending: waiting, Planned: waiting, Vetoed: waiting, RolledBack: waiting },
}

/** A time as people say it; the exact one is in its title. `at` is RFC 3339. */
export function Ago({ at }: { readonly at: string | null }) {
  const now = useNow(10_000)
  if (at === null) return <span class="quiet">never</span>
  return (
    <time dateTime={at} title={at}>
      {sayAgo(Math.round((now - Date.parse(at)) / 1_000))}
    </time>
  )
}

const timeInWords = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g

/** A sentence of the hub, its times as the reader's clock has them, and how long until then. */
export function Sentence({ text }: { readonly text: string }) {
  const now = useNow(1_000)
  const parts = text.split(timeInWords)
  const times = text.match(timeInWords) ?? []
  return (
    <>
      {parts.map((part, at) => (
        <span key={at}>
          {part}
          {times[at] !== undefined && (
            <time dateTime={times[at]} title={times[at]}>
              {sayUntil(Date.parse(times[at]), now)}
            </time>
          )}
        </span>
      ))}
    </>
  )
}

/** Such as `14:05:20 (in 4 min)`; milliseconds. */
export function sayUntil(at: number, now: number): string {
  const moment = new Date(at)
  const near = Math.abs(at - now) < 20 * 3_600_000
  const clock = near ? moment.toLocaleTimeString() : moment.toLocaleString()
  return at > now ? `${clock} (in ${sayCountdown((at - now) / 1_000)})` : clock
}

/** Now, in milliseconds, again and again. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

/** Seconds → such as `5 min ago`. */
export function sayAgo(seconds: number): string {
  if (seconds < 10) return 'just now'
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h ago`
  return `${Math.round(seconds / 86_400)} days ago`
}

/** Seconds → such as `3 min 20 s`: short enough to be watched. */
function sayCountdown(seconds: number): string {
  if (seconds < 60 || seconds >= 3_600) return sayLong(seconds)
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
}

/** Seconds → such as `5 min`. */
export function sayLong(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} days`
}

/** A digest or a revision, short; whole in its title. */
export function Short({ text }: { readonly text: string | null }) {
  if (text === null || text === '') return <span class="quiet">none</span>
  return <code title={text}>{shorten(text)}</code>
}

/** The digits that tell a digest or a revision from others, without what kind it is of. */
export function shorten(text: string): string {
  return text.slice(text.lastIndexOf(':') + 1).slice(0, 10)
}
