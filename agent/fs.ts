import { type DirectoryLock, lockDirectory } from '@groundswell/proto/fs.ts'
import { AgentError } from './errors.ts'

/**
 * Claims a data directory for this process: two agents with one identity would take turns at the
 * hub, and one trust state would have two writers. Returns what gives it up.
 *
 * @throws AgentError `config_invalid` naming the process that has it
 */
export async function lockData(directory: string): Promise<() => Promise<void>> {
  let lock: DirectoryLock
  try {
    lock = await lockDirectory(directory)
  } catch (cause) {
    throw new AgentError('config_invalid', `${directory} cannot be written`, { cause })
  }
  if (lock.held) return lock.release
  throw new AgentError(
    'config_invalid',
    `another agent (process ${lock.owner}) uses ${directory}; give this one its own --data`,
  )
}
