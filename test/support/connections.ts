import type { Connection, Receiver } from '../../hub/roles/unix.ts'

/** Two ends in memory: what one sends the other receives a turn later. */
export function connectPair(
  one: (connection: Connection) => Receiver,
  other: (connection: Connection) => Receiver,
) {
  let open = true
  const ends: Receiver[] = []
  const sent: string[] = []
  const paused = [false, false]
  const end = (cause: unknown): void => {
    if (!open) return
    open = false
    for (const receiver of ends) receiver.onClose(cause)
  }
  const connectionOf = (mine: number): Connection => ({
    send(frame) {
      const theirs = 1 - mine
      sent.push(Buffer.from(frame).toString())
      queueMicrotask(() => {
        try {
          if (open) ends[theirs]?.onFrame(frame)
        } catch (error) {
          end(error)
        }
      })
    },
    unsent: () => 0,
    pause: () => void (paused[mine] = true),
    resume: () => void (paused[mine] = false),
    close: () => end(undefined),
  })
  const make = [one, other]
  for (const [at, accept] of make.entries()) ends[at] = accept(connectionOf(at))
  return { end, sent, paused }
}
