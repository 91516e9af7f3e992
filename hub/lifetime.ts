/** What a running hub owns, from its start to its end. */
export interface Lifetime extends AsyncDisposable {
  /** Keeps a part; it is stopped after everything that is kept later. */
  own<T>(part: T, stop: (part: T) => unknown): T
  /** Runs again every `ms` until the end; a run that fails is reported and hinders no other. */
  every(ms: number, run: () => Promise<unknown>): void
  /** Hands all of it over: disposing of this one stops nothing from now on. */
  move(): AsyncDisposable
}

/**
 * What is started is stopped in reverse, also when something after it fails to start. A part that
 * cannot be stopped is reported and keeps no other from being stopped.
 */
export function createLifetime(
  repeat: (ms: number, run: () => void) => () => void,
  onError: (error: unknown, message: string) => void,
): Lifetime {
  const parts = new AsyncDisposableStack()

  function own<T>(part: T, stop: (part: T) => unknown): T {
    parts.defer(async () => {
      try {
        await stop(part)
      } catch (error) {
        onError(error, 'a part did not stop cleanly')
      }
    })
    return part
  }

  return {
    own,
    every(ms, run) {
      const attempt = (): void => {
        run().catch((error: unknown) =>
          onError(error, 'something that is done now and then failed'),
        )
      }
      own(repeat(ms, attempt), (stop) => stop())
    },
    move: () => parts.move(),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}
