import { readFile, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '@groundswell/proto/fs.ts'
import { HubError } from '../errors.ts'
import { formatBundleLine, parseBundleLines } from '../render/bundle-memory.ts'
import type { FormatMark, UpgradeStep } from './format.ts'

/** The number, in a file of its own beside what it is of. */
export function createDirectoryMark(directory: string): FormatMark {
  const path = join(directory, 'format')
  return {
    place: `the data directory ${directory}`,
    remedy: 'restore the backup of before its upgrade',
    async read() {
      const text = await readText(path)
      if (text === undefined) return 1
      if (/^[1-9]\d{0,5}\n$/.test(text)) return Number(text)
      throw new HubError(
        'config_invalid',
        `${path}: not the number of a form; restore it from the backup, or remove it, and every step of an upgrade is done again`,
      )
    },
    record: (next) => writeText(path, `${next}\n`),
  }
}

/** Of a data directory, whichever role it is of: what it does not have has nothing to be done. */
export function listDirectorySteps(directory: string): readonly UpgradeStep[] {
  return [
    {
      to: 2,
      what: 'leaves out renders that were remembered before policies judged them',
      run: () => dropUnjudged(join(directory, 'mirrors', 'bundles.jsonl')),
    },
    {
      to: 3,
      what: 'removes what V8 made of the code of hubs before',
      run: () => dropCompiled(join(directory, 'compiled')),
    },
  ]
}

async function dropUnjudged(path: string): Promise<number> {
  const text = await readText(path)
  if (text === undefined) return 0
  const kept = [...parseBundleLines(text)].map(([input, made]) => formatBundleLine(input, made))
  if (kept.join('') !== text) await writeText(path, kept.join(''))
  return text.split('\n').length - 1 - kept.length
}

/** Node writes there until the hub ends, so the directories stay. */
async function dropCompiled(directory: string): Promise<number> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = found.filter((entry) => entry.isFile())
  for (const { parentPath, name } of files) await rm(join(parentPath, name), { force: true })
  return files.length
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined
    throw new HubError('config_invalid', `${path} cannot be read: ${cause.message}`, { cause })
  })
}

async function writeText(path: string, text: string): Promise<void> {
  await replaceFile(path, text).catch((cause: Error) => {
    throw new HubError('config_invalid', `${path} cannot be written: ${cause.message}`, { cause })
  })
}
