import { AgentError } from '../errors.ts'

/** Turns that may wait. */
const turnsLimit = 64

/** Does one thing after another, in the order asked; what fails does not stop the next. */
export function createTurns() {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return {
    /** @throws AgentError `too_much_data` when too many wait already */
    async take<T>(work: () => Promise<T>): Promise<T> {
      if (waiting >= turnsLimit) throw new AgentError('too_much_data', 'too much news at once')
      waiting += 1
      const turn = last.then(work)
      last = turn.catch(() => {})
      try {
        return await turn
      } finally {
        waiting -= 1
      }
    },
  }
}
