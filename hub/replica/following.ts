import { HubError } from '../errors.ts'
import type { LeaderLink } from './leader-link.ts'

export interface FollowingDeps {
  /** Opens a link; it connects by itself, again and again. */
  readonly reach: (address: string) => LeaderLink
  /** What went by the old link is gone. */
  readonly onChange: () => void
  /** Milliseconds of a clock nobody sets. */
  readonly monotonic: () => number
  readonly after: (ms: number, run: () => void) => () => void
}

/** Keeps a link to whoever leads. */
export interface Following {
  /** Another leads by now; undefined for one that serves followers nothing. */
  turnTo(address: string | undefined): void
  /** Opens the link anew, by the newest certificate. */
  renew(): void
  /** Whether the leader can be reached now. */
  readonly up: boolean
  /** Waits for a leader that can be reached. @throws HubError `no_leader` after so long */
  link(ms: number): Promise<LeaderLink>
  close(): void
}

export function createFollowing(deps: FollowingDeps): Following {
  let address: string | undefined
  let current: LeaderLink | undefined
  let closed = false
  let changed = Promise.withResolvers<void>()

  function replace(next: LeaderLink | undefined): void {
    const before = current
    current = next
    changed.resolve()
    changed = Promise.withResolvers<void>()
    if (!before) return
    deps.onChange()
    before.close()
  }

  function open(): void {
    replace(address === undefined || closed ? undefined : deps.reach(address))
  }

  /** Resolves when there is another link, or after so long. */
  async function change(ms: number): Promise<void> {
    const late = Promise.withResolvers<void>()
    const cancel = deps.after(ms, late.resolve)
    await Promise.race([changed.promise, late.promise])
    cancel()
  }

  return {
    turnTo(next) {
      if (next === address && current) return
      address = next
      open()
    },
    renew: open,
    get up() {
      return current?.up ?? false
    },
    async link(ms) {
      const deadline = deps.monotonic() + ms
      for (;;) {
        const left = deadline - deps.monotonic()
        if (closed || left <= 0) throw new HubError('no_leader', 'no hub leads right now')
        const link = current
        if (!link) await change(left)
        else {
          const ready = link.ready(left).then(
            () => true,
            () => false,
          )
          if ((await Promise.race([ready, changed.promise])) === true && link === current)
            return link
        }
      }
    },
    close() {
      closed = true
      replace(undefined)
    },
  }
}
