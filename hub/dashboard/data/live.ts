import { effect, signal } from '@preact/signals'
import type { EventView } from '../../client/gen/api.ts'
import { session } from '../session.ts'
import { open } from './client.ts'
import { createEventParser } from './events.ts'

/** Whether news comes in: what is shown without is said to be of earlier. */
export const live = signal<'connecting' | 'live' | 'cut'>('connecting')
/** The newest, newest first. */
export const recent = signal<readonly EventView[]>([])

// What one person may see is not for the next who signs in.
effect(() => {
  void session.value
  recent.value = []
})

const shown = 200
/** The hub sends a comment every ten seconds. */
const silentMs = 30_000
const retryMs = { first: 1_000, longest: 15_000 }

type Listener = (events: readonly EventView[]) => void
const listeners = new Set<Listener>()

/** Calls back with what happened; gives the function that ends it. */
export function listen(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Called with each new beginning of the stream: what happened in between may have been missed. */
const beginnings = new Set<() => void>()

export function onBeginning(run: () => void): () => void {
  beginnings.add(run)
  return () => beginnings.delete(run)
}

/** Called when events that were missed are not told any more: what they were of is read anew. */
const gaps = new Set<() => void>()

export function onGap(run: () => void): () => void {
  gaps.add(run)
  return () => gaps.delete(run)
}

/** Follows the hub's events as long as the signal is not aborted, one stream after another. */
export async function follow(signal: AbortSignal): Promise<void> {
  let last: string | null = null
  let pause = retryMs.first
  while (!signal.aborted) {
    try {
      await readStream(last, signal, (events) => {
        pause = retryMs.first
        last = events.at(-1)?.id || last
        tell(events)
      })
    } catch {
      // Why does not matter to who reads: it is cut, and tried again.
    }
    if (signal.aborted || session.value === null) return
    live.value = 'cut'
    await new Promise((resolve) => setTimeout(resolve, pause))
    pause = Math.min(pause * 2, retryMs.longest)
  }
}

async function readStream(
  last: string | null,
  signal: AbortSignal,
  take: (events: readonly EventView[]) => void,
): Promise<void> {
  const silent = new AbortController()
  const either = AbortSignal.any([signal, silent.signal])
  let timer = setTimeout(() => silent.abort(), silentMs)
  try {
    const headers: Record<string, string> = last === null ? {} : { 'last-event-id': last }
    const stream = await open('streamEvents', headers, either)
    live.value = 'live'
    for (const run of beginnings) run()
    const parser = createEventParser()
    const reader = stream.getReader()
    const decoder = new TextDecoder()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(() => silent.abort(), silentMs)
      const told = parser.take(decoder.decode(value, { stream: true }))
      if (told.some(({ name }) => name === 'gap')) skip()
      const events = told
        .filter(({ name }) => name === '')
        .map(({ data }) => JSON.parse(data) as EventView)
      if (events.length > 0) take(events)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** What is shown of before the gap would stand beside what came long after it. */
function skip(): void {
  recent.value = []
  for (const run of gaps) run()
}

function tell(events: readonly EventView[]): void {
  recent.value = [...events.toReversed(), ...recent.value].slice(0, shown)
  for (const listener of listeners) listener(events)
}
