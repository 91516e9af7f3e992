import { digestOf } from '@groundswell/proto/digest.ts'
import type { Declared, Fleet } from '../fleet/fleet.ts'
import type { NotificationProviderSpec } from '../fleet/kinds/notification.ts'
import type { Decision, Ledger, LedgerEntry } from '../ledger/entry.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { HubEvent } from '../status/event.ts'
import type { Courier } from './bullmq.ts'
import { noticesOfEntry } from './entry-notice.ts'
import { groupNotices } from './group-notices.ts'
import { type Match, matchAlerts } from './match.ts'
import { noticeOfNews, quietMs } from './news-notice.ts'
import type { Notice } from './notice.ts'
import type { Letter } from './payload.ts'
import type { Send } from './send.ts'
import { writeText } from './text.ts'
import { createUnderWay } from './under-way.ts'

export interface AlertingDeps {
  readonly fleetName: string
  readonly fleet: () => Fleet | null
  readonly state: LedgerState
  readonly ledger: Pick<Ledger, 'head' | 'read' | 'append'>
  readonly courier: Courier
  readonly send: Send
  readonly clock: () => number
  /** Tells that a letter was given up. */
  readonly tell: (event: HubEvent) => void
  readonly log: (level: 'info' | 'warn', message: string, cause?: unknown) => void
  /** Calls back once after so many milliseconds. */
  readonly later: (ms: number, run: () => void) => void
  readonly signal: AbortSignal
}

/**
 * Letters of one provider under way. At the bound what was decided waits for it in the ledger and
 * news is not told to it; others go on.
 */
const mostLetters = 500
/** News gathered before it is told; more is dropped. */
const mostNews = 2_000
/** News of one type that comes together is told together, in milliseconds. */
const groupMs = 5_000
/** Entries older than this are not told any more, should nobody have told them. */
const oldestMs = 24 * 60 * 60_000
/** News remembered so that it is not told twice. */
const mostHeard = 10_000

/**
 * Tells people outside what happened. What was decided is read from the ledger, from where each
 * provider was told last, so that nothing is lost with Redis or a restart; how far that is, is in the
 * ledger too. What is seen, such as drift, is told once and grouped. A letter's id follows from
 * what it says and to whom: twice on its way is once sent, and whoever gets it twice can tell.
 */
export function createAlerting(deps: AlertingDeps) {
  const { fleet, state, ledger, courier, clock, log, later, signal } = deps
  const underWay = createUnderWay(mostLetters)
  /** Providers of which it was said that they are at their bound, until they are no more. */
  const full = new Set<string>()
  const heard = new Map<string, number>()
  let news: Notice[] = []
  /** By provider: entries up to here were looked at. One that is at its bound stays behind others. */
  const reached = new Map<string, number>()
  /** Whether a letter of the ledger came to its end since it was written down. */
  let isOwed = false
  let reading: Promise<void> | undefined

  function toldTo(provider: string): number {
    return state.told.get(provider) ?? 0
  }

  /** Those that nobody has told of anything begin now: what was before is not their news. */
  async function welcome(known: Fleet): Promise<void> {
    const fresh = [...known.notificationProviders.keys()].filter((name) => !state.told.has(name))
    if (fresh.length === 0) return
    const through = Object.fromEntries(fresh.map((name) => [name, ledger.head]))
    await ledger.append('groundswell', [{ type: 'alerts.told', through }])
  }

  function reachedOf(provider: string): number {
    return reached.get(provider) ?? toldTo(provider)
  }

  async function post(notice: Notice, index: number | null, match: Match): Promise<void> {
    const { alert, provider } = match
    const { summary, template } = alert.spec
    const letter: Letter = {
      id: digestOf(`${provider.name}\n${notice.id}`).replace('sha256:', '').slice(0, 32),
      provider: provider.name,
      notice,
      text: writeText(notice, {
        fleet: deps.fleetName,
        ...(summary !== undefined && { summary }),
        ...(template !== undefined && { template }),
      }),
    }
    underWay.add(letter, index)
    sayWhenFull(provider.name)
    await hand(letter)
  }

  /** Once each time the bound is reached: an event for people, a line for who reads the log. */
  function sayWhenFull(provider: string): void {
    if (full.has(provider) || !underWay.isFull(provider)) return
    full.add(provider)
    const message = `${provider} has ${mostLetters} notifications under way: what is decided waits for it, what is seen is not told to it until it takes some`
    log('warn', message)
    deps.tell({ type: 'notification.held', actor: 'hub', subject: 'fleet/fleet', message })
  }

  /** What Redis does not take now, the next sweep hands over. */
  async function hand(letter: Letter): Promise<void> {
    try {
      const whereabouts = await courier.post(letter)
      // Told before, perhaps by another hub: nothing that has to be written down.
      if (whereabouts === 'sent' || whereabouts === 'givenUp') underWay.end(letter)
    } catch (error) {
      log('warn', 'a notification is not on its way yet', error)
    }
  }

  function end(letter: Letter): void {
    const known = underWay.end(letter)
    if (known && known.index !== null) isOwed = true
  }

  /**
   * Reads on in the ledger for each provider that has room: once for those that keep up, who come
   * first, and once more for each place where some were left behind.
   */
  async function readOn(): Promise<void> {
    const known = fleet()
    if (!known) return
    await welcome(known)
    const names = [...known.notificationProviders.keys()]
    if (known.alerts.size === 0) {
      for (const name of names) reached.set(name, ledger.head)
      return
    }
    const open = names.filter((name) => !underWay.isFull(name))
    const places = [...Map.groupBy(open, reachedOf)].toSorted(([a], [b]) => b - a)
    for (const [from, group] of places) await readFrom(from, group, known)
  }

  async function readFrom(from: number, group: readonly string[], known: Fleet): Promise<void> {
    let open = group
    for await (const entry of ledger.read(from)) {
      // Who is left behind here goes on from here: the next look has to begin with this entry.
      open = open.filter((name) => !underWay.isFull(name))
      if (signal.aborted || open.length === 0) return
      await tell(entry, known, open)
      for (const name of open) reached.set(name, entry.index)
    }
  }

  async function tell(entry: LedgerEntry, known: Fleet, open: readonly string[]): Promise<void> {
    if (entry.at < clock() - oldestMs) return
    for (const notice of noticesOfEntry(entry, state)) {
      for (const match of matchAlerts(notice, known)) {
        const { name } = match.provider
        if (open.includes(name) && entry.index > toldTo(name))
          await post(notice, entry.index, match)
      }
    }
  }

  function readSoon(): Promise<void> {
    return (reading ??= readOn()
      .catch((error: unknown) => log('warn', 'what was decided is not told yet', error))
      .finally(() => (reading = undefined)))
  }

  function flushNews(): void {
    const known = fleet()
    const together = news
    news = []
    if (!known) return
    const missed = new Map<string, number>()
    for (const notice of groupNotices(together)) {
      for (const match of matchAlerts(notice, known)) {
        const { name } = match.provider
        if (underWay.isFull(name)) missed.set(name, (missed.get(name) ?? 0) + 1)
        else void post(notice, null, match)
      }
    }
    for (const [name, count] of missed)
      log('warn', `${name} has too much under way: ${count} news are not told to it`)
  }

  function isHeard(key: string, now: number): boolean {
    for (const [oldest, at] of heard) {
      if (heard.size <= mostHeard && at > now - quietMs) break
      heard.delete(oldest)
    }
    if (heard.has(key)) return true
    heard.set(key, now)
    return false
  }

  /** Where each provider is: before the first of its letters that is under way. */
  function through(known: Fleet): Record<string, number> {
    const all: Record<string, number> = {}
    for (const name of known.notificationProviders.keys()) {
      const place = Math.min(reachedOf(name), (underWay.oldest(name) ?? Infinity) - 1)
      if (place > toldTo(name)) all[name] = place
    }
    return all
  }

  /** Providers that Git has no more are told nothing more, and hold nothing. */
  async function dismiss(): Promise<void> {
    const known = fleet()
    if (!known) return
    const names = new Set(known.notificationProviders.keys())
    underWay.keep(names)
    for (const name of reached.keys()) if (!names.has(name)) reached.delete(name)
    try {
      await courier.serve(names)
    } catch (error) {
      log('warn', 'queues of notifications are not looked after yet', error)
    }
  }

  async function writeDown(): Promise<void> {
    const known = fleet()
    if (!isOwed || !known) return
    const all = through(known)
    if (Object.keys(all).length === 0) return
    isOwed = false
    const decision: Decision = { type: 'alerts.told', through: all }
    await ledger.append('groundswell', [decision])
  }

  return {
    /** Begins to send what is under way. */
    begin(): void {
      courier.listen(
        async (letter) => {
          const provider = providerOf(fleet(), letter)
          // Gone from Git, or silenced: it is not to be told any more.
          if (!provider) return
          await deps.send(provider, letter, signal)
        },
        (letter, outcome, reason) => {
          end(letter)
          if (outcome === 'sent') return
          const { provider, notice } = letter
          const message = `${provider} was not told of ${notice.type} of ${notice.name}: ${reason}`
          deps.tell({ type: 'notification.failed', actor: 'hub', subject: 'fleet/fleet', message })
        },
      )
      // What a hub before this one left in Redis goes on at once.
      void dismiss()
    },
    /** Something was decided. */
    onEntry({ index, decision }: LedgerEntry): void {
      if (decision.type === 'alerts.told' || decision.type === 'receipts.kept') return
      if (fleet()?.alerts.size !== 0) return void readSoon()
      // Nobody is to be told of it, and a rollout of a thousand clusters has thousands of these.
      for (const [name, before] of reached) reached.set(name, Math.max(before, index))
    },
    /** Something was seen. */
    onNews(event: HubEvent): void {
      const now = clock()
      const notice = noticeOfNews(event, now)
      const known = fleet()
      if (!notice || !known || known.alerts.size === 0) return
      if (news.length >= mostNews || matchAlerts(notice, known).length === 0) return
      if (isHeard(`${event.type}/${event.subject}/${event.message}`, now)) return
      if (news.push(notice) === 1) later(groupMs, flushNews)
    },
    /** Looks after what may have been lost, and writes down how far it came. Call it now and then. */
    async sweep(): Promise<void> {
      await dismiss()
      await readSoon()
      for (const letter of underWay.list()) {
        if (signal.aborted) return
        await hand(letter)
      }
      for (const name of full) if (underWay.hasEased(name)) full.delete(name)
      await writeDown()
    },
  }
}

function providerOf(
  known: Fleet | null,
  { provider }: Letter,
): Declared<NotificationProviderSpec> | undefined {
  const declared = known?.notificationProviders.get(provider)
  return declared?.spec.suspend ? undefined : declared
}
