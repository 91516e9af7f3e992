import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { HubError } from '../errors.ts'
import type { ForeignFile } from './migration.ts'

const maxFiles = 100_000
const maxBytes = 4 * 1024 * 1024

/**
 * All files below a directory, by path; of those that are no YAML or JSON only the path. Links are not
 * followed.
 *
 * @throws HubError `not_found`, `invalid` for more files than can be meant
 */
export async function readForeignFiles(directory: string): Promise<ForeignFile[]> {
  const files: ForeignFile[] = []
  const queue = ['']
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const entries = await readdir(join(directory, at), { withFileTypes: true }).catch(
      (cause: Error) => {
        throw new HubError('not_found', `cannot read ${join(directory, at)}: ${cause.message}`, {
          cause,
        })
      },
    )
    for (const entry of entries) {
      const path = at === '' ? entry.name : `${at}/${entry.name}`
      if (entry.isDirectory() && entry.name !== '.git') queue.push(path)
      if (!entry.isFile()) continue
      if (files.length >= maxFiles) {
        throw new HubError('invalid', `${directory} holds more than ${maxFiles} files`)
      }
      files.push({ path, text: await readText(join(directory, path)) })
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function readText(path: string): Promise<string> {
  if (!/\.(ya?ml|json)$/i.test(path)) return ''
  const { size } = await lstat(path)
  return size > maxBytes ? '' : readFile(path, 'utf8')
}

/**
 * Writes new files. When one of them is there already, none is written.
 *
 * @throws HubError `conflict` naming what is there
 */
export async function writeFleetFiles(
  directory: string,
  files: readonly ForeignFile[],
): Promise<void> {
  for (const { path } of files) {
    const isThere = await lstat(join(directory, path)).then(
      () => true,
      () => false,
    )
    if (isThere) {
      throw new HubError(
        'conflict',
        `${join(directory, path)} is there already; nothing was written`,
      )
    }
  }
  for (const { path, text } of files) {
    const full = join(directory, path)
    await mkdir(dirname(full), { recursive: true })
    await writeFile(full, text, { flag: 'wx' })
  }
}
