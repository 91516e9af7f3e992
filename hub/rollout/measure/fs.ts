import { readFile } from 'node:fs/promises'
import { HubError } from '../../errors.ts'

/**
 * What a credential's file holds, without white space around it.
 *
 * @throws HubError `gate_unreachable` naming the file, never what it holds
 */
export async function readText(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new HubError('gate_unreachable', `credential file ${path} cannot be read`, { cause })
  }
}
