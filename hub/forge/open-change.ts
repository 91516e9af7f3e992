import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../errors.ts'
import { expectOk } from './answer.ts'
import { type AskForge, shorten } from './forge.ts'

/** A pull or merge request that is neither merged nor closed. Its words are whoever's opened it. */
export interface OpenChange {
  readonly number: number
  readonly title: string
  /** Name of an account of the host; empty once that is gone. */
  readonly author: string
  /** Where it comes from. */
  readonly branch: string
  /** Whether that is a branch of another repository. */
  readonly fork: boolean
  /** The branch it is to be merged into. */
  readonly base: string
  readonly draft: boolean
  /** Milliseconds since the epoch. */
  readonly updatedAt: number
  /** Where people see it: http or https. */
  readonly url: string
}

export interface OpenChanges {
  /** Those that changed last first. */
  readonly changes: readonly OpenChange[]
  /** Whether there are more than were read. */
  readonly more: boolean
}

type Fields = Readonly<Record<string, unknown>>

/** How a host spells its list of them. */
export interface OpenChangeRoutes {
  /** One page of them, from 1. */
  readonly list: (page: number) => string
  /** A page of fewer is the last one. */
  readonly fullPage: number
  readonly read: (change: Fields) => OpenChange
}

export const changesPerPage = 50
const mostChanges = 200

/**
 * Reads what is open, those that changed last.
 *
 * @throws HubError `forge_refused`, `forge_unreachable`
 */
export async function listOpenChanges(
  ask: AskForge,
  { list, fullPage, read }: OpenChangeRoutes,
  signal: AbortSignal,
): Promise<OpenChanges> {
  // One that changes meanwhile moves to another page.
  const found = new Map<number, OpenChange>()
  for (let page = 1; found.size <= mostChanges && page <= mostChanges; page += 1) {
    const answer = await ask({ method: 'GET', path: list(page) }, signal)
    expectOk(answer, 'its open changes cannot be read')
    const shown = (Array.isArray(answer.body) ? answer.body : []).filter(isRecord)
    for (const one of shown.map(read)) if (!found.has(one.number)) found.set(one.number, one)
    if (shown.length < fullPage) break
  }
  const changes = [...found.values()].toSorted((a, b) => b.updatedAt - a.updatedAt)
  return { changes: changes.slice(0, mostChanges), more: changes.length > mostChanges }
}

/**
 * What hosts call alike, bounded.
 *
 * @throws HubError `forge_refused` for what is no pull or merge request
 */
export function readOpenChange(
  change: Fields,
  told: Record<'number' | 'author' | 'branch' | 'base' | 'url', unknown> & { fork: boolean },
): OpenChange {
  const { number, fork } = told
  const url = URL.parse(textOf(told.url))
  const updatedAt = Date.parse(textOf(change['updated_at']))
  const isWhole = url !== null && /^https?:$/.test(url.protocol) && !Number.isNaN(updatedAt)
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1 || !isWhole) {
    throw new HubError('forge_refused', 'the host answered with what is no pull or merge request')
  }
  return {
    ...{ number, fork, updatedAt, url: url.href, draft: change['draft'] === true },
    ...{ title: words(change['title']), author: words(told.author) },
    ...{ branch: words(told.branch), base: words(told.base) },
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function words(value: unknown): string {
  return shorten(textOf(value), 300).toWellFormed()
}
