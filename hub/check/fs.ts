import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'

/** Results by the digest of all they depend on. */
export interface ResultDirectory<T> {
  get(digest: Digest): Promise<T | undefined>
  put(digest: Digest, result: T): Promise<void>
  /** Removes what was written first until the rest fits. */
  trim(): Promise<void>
}

/**
 * Results as files of one directory that only this account can read. A file that is damaged
 * counts as none; one that cannot be written costs the work once more.
 *
 * @param maxBytes of all files together, once trimmed
 */
export function createResultDirectory<T>(directory: string, maxBytes: number): ResultDirectory<T> {
  let written = 0
  const pathOf = (digest: Digest) => join(directory, `${digest.slice('sha256:'.length)}.json`)
  return {
    async get(digest) {
      const text = await readFile(pathOf(digest), 'utf8').catch(() => '')
      const line = text.indexOf('\n')
      const body = text.slice(line + 1)
      if (line < 0 || text.slice(0, line) !== digestOf(`${digest}\n${body}`)) return undefined
      return JSON.parse(body) as T
    },
    async put(digest, result) {
      const body = JSON.stringify(result)
      const path = pathOf(digest)
      written += 1
      // Another swell may write the same at the same time.
      const draft = `${path}.${process.pid}.${written}`
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 })
        await writeFile(draft, `${digestOf(`${digest}\n${body}`)}\n${body}`, { mode: 0o600 })
        await rename(draft, path)
      } catch {
        await rm(draft, { force: true }).catch(() => undefined)
      }
    },
    async trim() {
      if (written === 0) return
      const names = await readdir(directory).catch(() => [])
      const files = await Promise.all(
        names.map(async (name) => {
          const path = join(directory, name)
          const found = await stat(path).catch(() => undefined)
          return { path, size: found?.size ?? 0, at: found?.mtimeMs ?? 0 }
        }),
      )
      let total = files.reduce((sum, { size }) => sum + size, 0)
      for (const { path, size } of files.toSorted((a, b) => a.at - b.at)) {
        if (total <= maxBytes) break
        await rm(path, { force: true }).catch(() => undefined)
        total -= size
      }
    },
  }
}
