import { digestOf } from '@groundswell/proto/digest.ts'
import type { Declared, Fleet } from '../fleet/fleet.ts'
import type { NotificationProviderSpec } from '../fleet/kinds/notification.ts'
import type { Decision, Ledger, LedgerEntry } from '../ledger/entry.ts'
import type { LedgerState } from '../ledger/replay.ts'
import type { HubEvent } from '../status/event.ts'
import type { Courier } from './bullmq.ts'
import { noticesOfEntry } from './entry-notice.ts'
import { groupNotices } from './group-notices.ts'
import { matchAlerts } from './match.ts'
import { noticeOfNews, quietMs } from './news-notice.ts'
import type { Notice } from './notice.ts'
import type { Letter } from './payload.ts'
import type { Send } from './send.ts'
import { writeText } from './text.ts'

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

/** Letters under way; the ledger is read on when there is room, and news beyond it is dropped. */
const mostLetters = 2_000
/** News of one type that comes together is told together, in milliseconds. */
const groupMs = 5_000
/** Entries older than this are not told any more, should nobody have told them. */
const oldestMs = 24 * 60 * 60_000
/** News remembered so that it is not told twice. */
const mostHeard = 10_000

interface UnderWay {
  readonly letter: Letter
  /** Of the ledger; null of news, which is in no ledger. */
  readonly index: number | null
}

/**
 * Tells people outside what happened. What was decided is read from the ledger, from where each
 * provider was told last, so that nothing is lost with Redis or a restart; how far that is, is in the
 * ledger too. What is seen, such as drift, is told once and grouped. A letter's id follows from
 * what it says and to whom: twice on its way is once sent, and whoever gets it twice can tell.
 */
export function createAlerting(deps: AlertingDeps) {
  const { fleet, state, ledger, courier, clock, log, later, signal } = deps
  const underWay = new Map<string, UnderWay>()
  const heard = new Map<string, number>()
  let news: Notice[] = []
  /** Entries up to here were looked at. */
  let read: number | undefined
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

  async function post(notice: Notice, index: number | null, known: Fleet): Promise<void> {
    for (const { alert, provider } of matchAlerts(notice, known)) {
      if (index !== null && index <= toldTo(provider.name)) continue
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
      underWay.set(letter.id, { letter, index })
      await hand(letter)
    }
  }

  /** What Redis does not take now, the next sweep hands over. */
  async function hand(letter: Letter): Promise<void> {
    try {
      const whereabouts = await courier.post(letter)
      // Told before, perhaps by another hub: nothing that has to be written down.
      if (whereabouts === 'sent' || whereabouts === 'givenUp') underWay.delete(letter.id)
    } catch (error) {
      log('warn', 'a notification is not on its way yet', error)
    }
  }

  function end(id: string): void {
    const known = underWay.get(id)
    if (!known) return
    underWay.delete(id)
    if (known.index !== null) isOwed = true
  }

  /** Reads on in the ledger as long as there is room. */
  async function readOn(): Promise<void> {
    const known = fleet()
    if (!known) return
    await welcome(known)
    const from = Math.min(...[...known.notificationProviders.keys()].map(toldTo))
    read ??= Number.isFinite(from) ? from : ledger.head
    if (known.alerts.size === 0) {
      read = ledger.head
      return
    }
    for await (const entry of ledger.read(read)) {
      if (signal.aborted || underWay.size >= mostLetters) return
      await tell(entry, known)
      read = entry.index
    }
  }

  async function tell(entry: LedgerEntry, known: Fleet): Promise<void> {
    if (entry.at < clock() - oldestMs) return
    for (const notice of noticesOfEntry(entry, state)) await post(notice, entry.index, known)
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
    for (const notice of groupNotices(together)) {
      if (underWay.size >= mostLetters)
        return log('warn', 'too much is under way: news is not told')
      void post(notice, null, known)
    }
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
    const reached = read ?? 0
    const all: Record<string, number> = {}
    for (const name of known.notificationProviders.keys()) {
      const open = [...underWay.values()].flatMap(({ letter, index }) =>
        letter.provider === name && index !== null ? [index - 1] : [],
      )
      const place = Math.min(reached, ...open)
      if (place > toldTo(name)) all[name] = place
    }
    return all
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
          end(letter.id)
          if (outcome === 'sent') return
          const { provider, notice } = letter
          const message = `${provider} was not told of ${notice.type} of ${notice.name}: ${reason}`
          deps.tell({ type: 'notification.failed', actor: 'hub', subject: 'fleet/fleet', message })
        },
      )
    },
    /** Something was decided. */
    onEntry({ index, decision }: LedgerEntry): void {
      if (decision.type === 'alerts.told' || decision.type === 'receipts.kept') return
      // Nobody is to be told of it, and a rollout of a thousand clusters has thousands of these.
      if (read !== undefined && fleet()?.alerts.size === 0) read = Math.max(read, index)
      else void readSoon()
    },
    /** Something was seen. */
    onNews(event: HubEvent): void {
      const now = clock()
      const notice = noticeOfNews(event, now)
      const known = fleet()
      if (!notice || !known || known.alerts.size === 0) return
      if (news.length >= mostLetters || matchAlerts(notice, known).length === 0) return
      if (isHeard(`${event.type}/${event.subject}/${event.message}`, now)) return
      if (news.push(notice) === 1) later(groupMs, flushNews)
    },
    /** Looks after what may have been lost, and writes down how far it came. Call it now and then. */
    async sweep(): Promise<void> {
      await readSoon()
      for (const { letter } of [...underWay.values()]) {
        if (signal.aborted) return
        await hand(letter)
      }
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
