import { useEffect, useState } from 'preact/hooks'
import type { EventView } from '../../client/gen/api.ts'
import { ApiError } from './client.ts'
import { listen, onBeginning, onGap } from './live.ts'

/** What was read: nothing yet, a value, or why not. An old value stays beside a newer fault. */
export interface Watched<T> {
  readonly value: T | undefined
  readonly error: ApiError | undefined
  readonly reload: () => void
}

/** Why there is nothing of that name; undefined while it is not known, or known otherwise. */
export function findMissing({ error }: Watched<unknown>): ApiError | undefined {
  return error?.status === 404 ? error : undefined
}

/** News that come together are answered by one look. */
const gatherMs = 200

/**
 * Reads something and reads it again when an event concerns it. `key` names what is read: another
 * key is another thing. What costs the hub much is not read again at each beginning of the stream:
 * events that were missed are told anew. After a gap they are not.
 */
export function useWatched<T>(
  key: string,
  load: () => Promise<T>,
  concerns: (event: EventView) => boolean,
  { costly = false } = {},
): Watched<T> {
  const [value, setValue] = useState<T>()
  const [error, setError] = useState<ApiError>()
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    let current = true
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = async (): Promise<void> => {
      timer = undefined
      try {
        const found = await load()
        if (!current) return
        setValue(() => found)
        setError(undefined)
      } catch (failed) {
        if (current) setError(failed instanceof ApiError ? failed : new ApiError(0, String(failed)))
      }
    }
    const soon = (): void => {
      timer ??= setTimeout(() => void look(), gatherMs)
    }
    void look()
    const stop = [listen((events) => events.some(concerns) && soon()), onGap(soon)]
    if (!costly) stop.push(onBeginning(soon))
    return () => {
      current = false
      clearTimeout(timer)
      for (const end of stop) end()
    }
  }, [key, turn])
  return { value, error, reload: () => setTurn((before) => before + 1) }
}
