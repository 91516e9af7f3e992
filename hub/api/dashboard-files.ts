import { readdir, readFile } from 'node:fs/promises'
import { extname, join, posix, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'

/** A file of the dashboard as it is sent; paths are as in its addresses, below /ui/. */
export interface DashboardFile {
  readonly type: string
  readonly bytes: Buffer
  readonly brotli: Buffer
}

export type DashboardFiles = ReadonlyMap<string, DashboardFile>

const compress = promisify(brotliCompress)

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/**
 * Reads what the dashboard's build made, whole and once: it is some ten small files, and a request
 * never becomes a path on disk. Undefined where it was not built.
 */
export async function readDashboard(directory: string): Promise<DashboardFiles | undefined> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    () => undefined,
  )
  const files = entries?.filter((entry) => entry.isFile() && types[extname(entry.name)]) ?? []
  if (!files.some(({ name }) => name === 'index.html')) return undefined
  return new Map(
    await Promise.all(
      files.map(async ({ name, parentPath }) => {
        const path = join(parentPath, name)
        const bytes = await readFile(path)
        const params = { [constants.BROTLI_PARAM_QUALITY]: 9 }
        const file = {
          type: types[extname(name)]!,
          bytes,
          brotli: await compress(bytes, { params }),
        }
        return [relative(directory, path).split(sep).join(posix.sep), file] as const
      }),
    ),
  )
}
