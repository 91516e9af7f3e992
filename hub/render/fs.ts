import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { HubError } from '../errors.ts'
import { type BundleMemory, formatBundleLine, parseBundleLines } from './bundle-memory.ts'

/** A file that holds one revision. What it holds is a convenience: damaged, it is as if not there. */
export function createRevisionFile(path: string) {
  return {
    async read(): Promise<string | null> {
      const text = (await readFile(path, 'utf8').catch(() => '')).trim()
      try {
        parseRevision(text)
        return text
      } catch {
        return null
      }
    },
    /** @throws HubError `internal` */
    async write(revision: string): Promise<void> {
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        await writeFile(`${path}.new`, `${revision}\n`, { mode: 0o600 })
        await rename(`${path}.new`, path)
      } catch (cause) {
        throw new HubError('internal', `${path} cannot be written`, { cause })
      }
    },
  }
}

/** What was rendered before, as a file of lines; made small again when it is read. */
export function createBundleFile(path: string): BundleMemory {
  return {
    async load() {
      const text = await readFile(path, 'utf8').catch(() => '')
      const found = parseBundleLines(text)
      const lines = [...found].map(([input, made]) => formatBundleLine(input, made)).join('')
      if (lines !== text) {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch(() => {})
        await writeFile(`${path}.new`, lines, { mode: 0o600 })
          .then(() => rename(`${path}.new`, path))
          .catch(() => {})
      }
      return found
    },
    async keep(input, made) {
      await appendFile(path, formatBundleLine(input, made), { mode: 0o600 }).catch(() => {})
    },
  }
}
