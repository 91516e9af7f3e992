/** An endless stream a test feeds by hand; reading waits until there is more, or the end. */
export interface Channel<T> extends AsyncIterable<T> {
  push(...items: readonly T[]): void
  end(): void
  fail(error: unknown): void
}

export function createChannel<T>(): Channel<T> {
  const waiting: T[] = []
  let ended = false
  let broken: { readonly error: unknown } | undefined
  let more = Promise.withResolvers<void>()
  const wake = () => {
    more.resolve()
    more = Promise.withResolvers<void>()
  }
  return {
    push(...items) {
      waiting.push(...items)
      wake()
    },
    end() {
      ended = true
      wake()
    },
    fail(error) {
      broken = { error }
      wake()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const item = waiting.shift()
        if (item !== undefined) yield item
        else if (broken) throw broken.error
        else if (ended) return
        else await more.promise
      }
    },
  }
}
