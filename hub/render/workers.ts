import type { Answer } from './answer.ts'

/** One engine process, for as long as it is lent. */
export interface LentWorker {
  /** Trees and policies it was given last. Only a hint: the process forgets by size, too. */
  readonly given: Pick<Set<string>, 'has' | 'add'>
  /** @throws HubError `render_timeout`, `render_failed`, `engine_unavailable`, or the signal's reason */
  ask(request: object, signal: AbortSignal): Promise<Answer>
}

/** The engine's processes, for questions other than renders. */
export interface EngineWorkers {
  /** Lends a worker, one that was given `id` when there is a choice, to questions that belong together. */
  lend<T>(id: string, signal: AbortSignal, work: (worker: LentWorker) => Promise<T>): Promise<T>
}
