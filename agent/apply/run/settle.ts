import { AgentError } from '../../errors.ts'
import { computeHealth } from '../../observe/health.ts'
import type { ObjectError } from '../../observe/status.ts'
import type { ApplyDeps } from '../deps.ts'
import { toObjectError } from './object-error.ts'
import type { Wanted } from './plan.ts'

const deadlineMs = 30_000
const pauseMs = 100

/** Waits until definitions are established and namespaces active; an error for each that is not. */
export async function settle(
  setup: readonly Wanted[],
  { cluster, clock, observer }: ApplyDeps,
  signal: AbortSignal,
): Promise<ObjectError[]> {
  const errors: ObjectError[] = []
  const deadline = clock.now() + deadlineMs
  for (const { id, parsed, resource, source } of setup) {
    try {
      for (;;) {
        const record = observer.live(id)
        if (!record || record.health === 'Current') break
        const live = await cluster.get(resource, parsed, signal)
        const { health, message } = live
          ? computeHealth(live, clock.now())
          : { health: 'NotFound', message: '' }
        if (health === 'Current') break
        if (clock.now() > deadline || health === 'Failed') {
          throw new AgentError('apply_failed', `${parsed.kind} is ${health}: ${message}`)
        }
        await clock.sleep(pauseMs, signal)
      }
    } catch (error) {
      signal.throwIfAborted()
      errors.push(toObjectError(id, source.file, error))
    }
  }
  return errors
}
