import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The first token, for a person at this machine. Whoever takes the file away ends it: the next
 * start makes another, and tells `onMade`.
 */
export async function loadAdminToken(
  directory: string,
  onMade: (token: string) => void,
): Promise<string> {
  const path = join(directory, 'admin-token')
  const known = await readFile(path, 'utf8').catch(() => undefined)
  if (known?.trim()) return known.trim()
  const token = randomBytes(24).toString('base64url')
  await writeFile(path, `${token}\n`, { mode: 0o600 })
  onMade(token)
  return token
}
