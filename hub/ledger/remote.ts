import { HubError } from '../errors.ts'
import type { Seal } from '../replica/seal.ts'
import { createSerial } from '../rollout/advance/serial.ts'
import type { Branch } from './branch.ts'
import { type ChainHead, emptyChain, followChain, formatLine, headOf } from './chain.ts'
import type { LedgerEntry } from './entry.ts'
import { type Published, formatPublished, parsePublished } from './published.ts'

/** Our own ledger, as far as it is on the disk. */
export interface OwnLedger {
  readonly end: ChainHead
  /** Bytes up to there. */
  readonly size: number
  read(after?: number): AsyncIterable<LedgerEntry>
}

export interface RemoteDeps {
  readonly branch: Branch
  /** Of the remote, in messages. */
  readonly url: string
  readonly own: OwnLedger
  readonly seal: Seal
  /** Who pushes. */
  readonly by: string
  /** Of a hub without replicas, whose term is never over. */
  readonly alone: boolean
  readonly log: (level: 'info' | 'warn', message: string, cause?: unknown) => void
}

/** Takes lines in that continue our ledger. */
export type Adopt = (lines: readonly string[]) => Promise<unknown>

export interface CatchUp {
  readonly adopt: Adopt
  /** Whether lines count that no hub of this fleet sealed, where we have none at all. */
  readonly unsealed?: boolean
  readonly deadlineMs: number
}

/** What the remote has of the ledger. Every push moves its branch on from where it was seen, or does nothing. */
export interface LedgerRemote {
  /**
   * Takes in what the remote has beyond our end; resolves with the highest term it tells of.
   *
   * @throws HubError `source_unreachable`; `ledger_diverged` where it has other entries than we; `source_refused`
   *   for a branch that is not of this fleet
   */
  catchUp(options: CatchUp): Promise<number>
  /**
   * Marks the branch for a term, before anything is decided in it: whoever saw the branch as it was can
   * push no more, and what they pushed before is taken in.
   *
   * @throws HubError as `catchUp`; `no_leader` where a higher term has marked it
   */
  claim(term: number, options: CatchUp): Promise<void>
  /** Commits what is new; false for nothing. */
  record(term: number): Promise<boolean>
  /** @throws HubError as `claim`, or whatever kept it from being pushed */
  push(term: number): Promise<void>
  /** The repository here is another by now: what was known of it, and of the remote, is looked at anew. */
  forget(): void
}

type Verdict =
  /** `behind`: a beginning of ours. */
  | { readonly kind: 'behind' | 'ahead'; readonly told: Published }
  | { readonly kind: 'forked'; readonly told: Published }
  /** Not sealed, and not a beginning of ours. */
  | { readonly kind: 'foreign' }

const linesAtOnce = 1_000
const pushMs = 30_000
/** Another may push in between, twice in a row if need be. */
const attempts = 3

export function createLedgerRemote(deps: RemoteDeps): LedgerRemote {
  const { branch, url, own, seal, by, alone, log } = deps
  /** One thing at a time: they share a branch. */
  const turns = createSerial()
  /** Where the remote's branch was seen, all of whose entries are ours; undefined when it is not known. */
  let seen: string | null | undefined
  /** Highest term that we marked the branch for. */
  let marked = 0
  let recorded: { readonly index: number; readonly commit: string } | undefined

  async function judge(commit: string): Promise<Verdict> {
    const told = parsePublished(await branch.readMessage(commit), seal)
    if (!told) {
      if (!(await branch.isBeginning(commit))) return { kind: 'foreign' }
      return { kind: 'behind', told: { head: emptyChain, term: 0, by: '' } }
    }
    if (told.head.index <= own.end.index) {
      return { kind: (await holds(told.head)) ? 'behind' : 'forked', told }
    }
    return { kind: (await continues(commit, told.head)) ? 'ahead' : 'forked', told }
  }

  /** Whether our ledger holds an entry. */
  async function holds({ index, digest }: ChainHead): Promise<boolean> {
    if (index === 0) return digest === emptyChain.digest
    if (index === own.end.index) return digest === own.end.digest
    for await (const entry of own.read(index - 1)) return headOf(entry).digest === digest
    return false
  }

  /** Whether what a commit has after our end goes on from there, up to where it says it ends. */
  async function continues(commit: string, to: ChainHead): Promise<boolean> {
    let head = own.end
    for await (const line of branch.readLines(commit, own.size)) {
      if (head.index === to.index) break
      try {
        head = followChain(head, line).head
      } catch (error) {
        if (error instanceof HubError && error.code === 'ledger_corrupt') return false
        throw error
      }
    }
    return head.index === to.index && head.digest === to.digest
  }

  async function takeIn(commit: string, count: number, adopt: Adopt): Promise<void> {
    const before = own.end.index
    let page: string[] = []
    let taken = 0
    for await (const line of branch.readLines(commit, own.size)) {
      if (taken === count) break
      taken += 1
      page.push(line)
      if (page.length < linesAtOnce) continue
      await adopt(page)
      page = []
    }
    if (page.length > 0) await adopt(page)
    log('info', `entries ${before + 1} to ${own.end.index} were taken from the ledger's remote`)
  }

  /** Looks at the remote; resolves with the highest term it tells of once it has nothing that we lack. */
  async function settle(deadlineMs: number, catching?: CatchUp): Promise<number> {
    seen = undefined
    const found = await branch.look(deadlineMs)
    if (found === null) {
      seen = null
      return 0
    }
    const ours = await branch.isOurs(found)
    const commit = ours ? found : await branch.fetch(deadlineMs)
    // Ours too: the file may have been put back to an older one beside its history.
    const verdict = await judge(commit)
    const term = await settleBy(verdict, commit, catching)
    if (!ours) {
      log('info', 'commits of the ledger go on from what its remote has')
      await branch.goOnFrom(commit)
      recorded = undefined
    }
    if (verdict.kind !== 'foreign' && verdict.told.head.index === own.end.index) {
      recorded = { index: own.end.index, commit }
    }
    seen = commit
    return term
  }

  async function settleBy(
    verdict: Verdict,
    commit: string,
    catching: CatchUp | undefined,
  ): Promise<number> {
    switch (verdict.kind) {
      case 'behind':
        return verdict.told.term
      case 'ahead':
        if (!catching) throw lacking(verdict.told)
        await takeIn(commit, verdict.told.head.index - own.end.index, catching.adopt)
        return verdict.told.term
      case 'forked':
        throw diverged(await describeFork(commit, verdict.told))
      case 'foreign':
        if (!catching?.unsealed || own.end.index > 0) {
          throw new HubError(
            'source_refused',
            `the branch at the ledger's remote ${url} is not of this fleet, nor a beginning of its ledger; it is left as it is. Give --ledger-remote a repository of its own, or move that branch to another name`,
          )
        }
        await takeIn(commit, Infinity, catching.adopt)
        return 0
    }
  }

  function lacking({ head, term, by: other }: Published): HubError {
    return new HubError(
      'no_leader',
      `the ledger's remote ${url} has entries up to ${head.index}, of ${other} in term ${term}, that this hub lacks`,
    )
  }

  async function describeFork(commit: string, { term, by: other }: Published): Promise<string> {
    let index = 0
    const theirs = branch.readLines(commit, 0)[Symbol.asyncIterator]()
    for await (const entry of own.read()) {
      const { value, done } = await theirs.next()
      if (done || value !== formatLine(entry)) break
      index = entry.index
    }
    await theirs.return?.()
    return `it has another entry ${index + 1}, of ${other} in term ${term}`
  }

  function diverged(why: string): HubError {
    return new HubError(
      'ledger_diverged',
      `the ledger's remote ${url} is not the beginning of this ledger, nor does it go on from it: ${why}. Neither was changed. Compare both by swell audit verify; to go on with the one here, move the branch at the remote to another name`,
    )
  }

  async function record(term: number, anew: boolean): Promise<string> {
    const { end, size } = own
    if (!anew && recorded?.index === end.index) return recorded.commit
    const commit = await branch.record(
      size,
      formatPublished({ head: end, term: Math.max(term, marked), by }, seal),
    )
    recorded = { index: end.index, commit }
    return commit
  }

  async function push(
    term: number,
    { mark, deadlineMs, catching }: { mark: boolean; deadlineMs: number; catching?: CatchUp },
  ): Promise<void> {
    let failure: unknown
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (seen === undefined) {
        const other = await settle(deadlineMs, catching)
        if (other > term && !alone) {
          seen = undefined
          throw new HubError(
            'no_leader',
            `the ledger's remote ${url} was marked for term ${other}, and this hub led in ${term}`,
          )
        }
      }
      const commit = await record(term, mark && attempt === 0)
      try {
        await branch.push(commit, seen!, deadlineMs)
        seen = commit
        return
      } catch (error) {
        failure = error
        seen = undefined
      }
    }
    throw failure
  }

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => turns.run(url, work)
  return {
    catchUp: (options) => inTurn(() => settle(options.deadlineMs, options)),
    claim: (term, options) =>
      inTurn(async () => {
        seen = undefined
        marked = Math.max(marked, term)
        await push(term, { mark: true, deadlineMs: options.deadlineMs, catching: options })
      }),
    record: (term) =>
      inTurn(async () => {
        const before = recorded
        await record(term, false)
        return before !== recorded
      }),
    push: (term) => inTurn(() => push(term, { mark: false, deadlineMs: pushMs })),
    forget() {
      seen = undefined
      recorded = undefined
    },
  }
}
