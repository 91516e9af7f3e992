import { useEffect, useState } from 'preact/hooks'

/** A state in a word, with the shape that says the same without colour. */
export function Word({ word }: { readonly word: string }) {
  const { shape, css } = shapes[word] ?? { shape: '○', css: 'neutral' }
  return (
    <span class={`word ${css}`}>
      <span aria-hidden="true">{shape}</span> {word}
    </span>
  )
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
  ...{ Waiting: waiting, Warning: waiting, Measuring: moving },
  ...{ RollingBack: moving, Reverting: moving, Terminating: moving },
  ...{ Failed: bad, Refused: bad, TimedOut: bad, Locked: bad, Revoked: bad, NotFound: bad },
  ...{ Disconnected: away, NeverConnected: away, Unreachable: away, Unknown: away },
  ...{ Paused: waiting, Pending: waiting, Planned: waiting, Vetoed: waiting, RolledBack: waiting },
}

/** A time as people say it; the exact one is in its title. `at` is RFC 3339. */
export function Ago({ at }: { readonly at: string | null }) {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000)
    return () => clearInterval(timer)
  }, [])
  if (at === null) return <span class="quiet">never</span>
  return (
    <time dateTime={at} title={at}>
      {sayAgo(Math.round((now - Date.parse(at)) / 1_000))}
    </time>
  )
}

/** Seconds → such as `5 min ago`. */
export function sayAgo(seconds: number): string {
  if (seconds < 10) return 'just now'
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h ago`
  return `${Math.round(seconds / 86_400)} days ago`
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
  const bare = text.slice(text.lastIndexOf(':') + 1)
  return <code title={text}>{bare.slice(0, 10)}</code>
}
