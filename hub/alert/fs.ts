import { readFile } from 'node:fs/promises'
import { HubError } from '../errors.ts'

/**
 * What a credential's file holds, without white space around it.
 *
 * @throws HubError `notification_failed` naming the file, never what it holds
 */
export async function readText(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new HubError('notification_failed', `credential file ${path} cannot be read`, { cause })
  }
}
