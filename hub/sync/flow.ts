export interface FlowDeps {
  /** Bytes of content that may be on their way to all agents together. */
  readonly limitBytes: number
  /** Who takes nothing for so long is cut when others wait. Milliseconds. */
  readonly stallMs: number
  /** Milliseconds of a clock that nobody sets. */
  readonly monotonic: () => number
  /** Calls back every `ms` until the returned function is called. */
  readonly every: (ms: number, run: () => void) => () => void
}

/** Leave to hold some bytes. */
export interface Turn {
  /** The agent took some of it. */
  moved(): void
  end(): void
}

export interface Flow {
  /**
   * Waits for a turn to hold `bytes`, first come first served. Each agent asks for a little at a
   * time, so they take turns, however much one of them wants. `cut` is called when this one does
   * not take what it was given while others wait.
   */
  enter(bytes: number, cut: () => void): Promise<Turn>
  /** Held now. */
  readonly bytes: number
}

interface Holder {
  readonly bytes: number
  readonly cut: () => void
  movedAt: number
}

/**
 * Bounds what is held of content for all agents together. Without it a thousand slow readers hold a
 * thousand packs; with a bound alone they would keep everyone else out, so they go first.
 */
export function createFlow({ limitBytes, stallMs, monotonic, every }: FlowDeps): Flow {
  // In the order of their last movement: the first is the slowest.
  const holders = new Set<Holder>()
  const waiting: { readonly bytes: number; readonly start: () => void }[] = []
  let held = 0
  let stopWatching: (() => void) | undefined

  function admit(): void {
    for (let next = waiting[0]; next; next = waiting[0]) {
      // One larger than everything allowed would wait for ever.
      if (held > 0 && held + next.bytes > limitBytes) break
      waiting.shift()
      held += next.bytes
      next.start()
    }
    if (waiting.length > 0) stopWatching ??= every(Math.ceil(stallMs / 4), cutSlowest)
    else {
      stopWatching?.()
      stopWatching = undefined
    }
  }

  function cutSlowest(): void {
    const now = monotonic()
    let needed = (waiting[0]?.bytes ?? 0) + held - limitBytes
    for (const holder of holders) {
      if (needed <= 0 || now - holder.movedAt < stallMs) break
      needed -= holder.bytes
      holder.cut()
    }
  }

  function hold(bytes: number, cut: () => void): Turn {
    const holder = { bytes, cut, movedAt: monotonic() }
    holders.add(holder)
    return {
      moved() {
        if (!holders.delete(holder)) return
        holder.movedAt = monotonic()
        holders.add(holder)
      },
      end() {
        if (!holders.delete(holder)) return
        held -= bytes
        admit()
      },
    }
  }

  return {
    enter(bytes, cut) {
      const { promise, resolve } = Promise.withResolvers<Turn>()
      waiting.push({ bytes, start: () => resolve(hold(bytes, cut)) })
      admit()
      return promise
    },
    get bytes() {
      return held
    },
  }
}
