import assert from 'node:assert/strict'
import { HubError } from '../../hub/errors.ts'
import type { Branch } from '../../hub/ledger/branch.ts'

interface Commit {
  readonly lines: readonly string[]
  readonly message: string
  readonly parent: string | null
}

/** A Git remote in memory that moves its branch as Git does, and judges each move. */
export interface MemoryRemote {
  readonly commits: ReadonlyMap<string, Commit>
  /** Away: nothing is answered. */
  away: boolean
  /** The next move is made, and its answer is lost. */
  mute: boolean
  readonly lines: readonly string[]
  /** A hub's own side of it. `pause` is waited for around each step, `own` are the lines on its disk. */
  branchOf(own: () => readonly string[], pause: () => Promise<void>): Branch
}

export function createMemoryRemote(): MemoryRemote {
  const commits = new Map<string, Commit>()
  let at: string | null = null
  const remote = { away: false, mute: false }

  function add(commit: Commit): string {
    const id = `c${commits.size + 1}`
    commits.set(id, commit)
    return id
  }

  function answer(): void {
    if (remote.away) throw new HubError('source_unreachable', 'away')
  }

  return {
    commits,
    get away() {
      return remote.away
    },
    set away(value) {
      remote.away = value
    },
    get mute() {
      return remote.mute
    },
    set mute(value) {
      remote.mute = value
    },
    get lines() {
      return at === null ? [] : commits.get(at)!.lines
    },
    branchOf(own, pause) {
      let here: string | null = null
      const step = async <T>(what: () => T): Promise<T> => {
        await pause()
        const told = what()
        await pause()
        return told
      }
      return {
        look: () =>
          step(() => {
            answer()
            return at
          }),
        isOurs: (commit) =>
          step(() => {
            for (let one = here; one !== null; one = commits.get(one)!.parent) {
              if (one === commit) return true
            }
            return false
          }),
        fetch: () =>
          step(() => {
            answer()
            return at!
          }),
        readMessage: (commit) => step(() => commits.get(commit)!.message),
        async *readLines(commit, after) {
          let left = after
          for (const line of commits.get(commit)!.lines) {
            await pause()
            if (left <= 0) yield line
            left -= Buffer.byteLength(line) + 1
          }
        },
        isBeginning: (commit) =>
          step(() => commits.get(commit)!.lines.every((line, index) => own()[index] === line)),
        goOnFrom: (commit) =>
          step(() => {
            here = commit
          }),
        record: (size, message) =>
          step(() => {
            const lines: string[] = []
            let left = size
            for (const line of own()) {
              if (left <= 0) break
              lines.push(line)
              left -= Buffer.byteLength(line) + 1
            }
            here = add({ lines, message, parent: here })
            return here
          }),
        push: (commit, seen) =>
          step(() => {
            answer()
            if (at !== seen) throw new Error('stale info')
            if (at === commit) return
            const { lines, parent } = commits.get(commit)!
            const before = at === null ? [] : commits.get(at)!.lines
            let from: string | null = parent
            while (from !== at && from !== null) from = commits.get(from)!.parent
            assert.equal(from, at, 'a commit that goes on from nothing that was there')
            assert.deepEqual(
              lines.slice(0, before.length),
              before,
              'the remote took something back',
            )
            at = commit
            if (!remote.mute) return
            remote.mute = false
            throw new Error('its answer was lost')
          }),
      }
    },
  }
}
