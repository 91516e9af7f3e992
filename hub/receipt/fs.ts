import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { receiptLimits } from '@groundswell/proto/receipt.ts'
import { HubError } from '../errors.ts'

const pack = promisify(gzip)
const unpack = promisify(gunzip)
/** The oldest go: what a receipt says of each object may be lost, what it says as a whole not. */
const filesKept = 20_000

/** What came of each object, a compressed file each, beside the ledger that names them. */
export function createResultsStore(directory: string) {
  let names: string[] | undefined

  async function list(): Promise<string[]> {
    const found = await readdir(directory).catch(() => [])
    const files = found.filter((name) => name.endsWith('.json.gz'))
    const dated = await Promise.all(
      files.map(async (name) => ({ name, at: (await stat(join(directory, name))).mtimeMs })),
    )
    return dated.sort((a, b) => a.at - b.at).map(({ name }) => name)
  }

  return async function store(results: ReadonlyMap<Digest, Uint8Array>): Promise<void> {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      names ??= await list()
      for (const [digest, bytes] of results) {
        const name = nameOf(digest)
        const temporary = join(directory, `${name}.new`)
        const file = await open(temporary, 'w', 0o600)
        try {
          await file.writeFile(await pack(bytes))
        } finally {
          await file.close()
        }
        await rename(temporary, join(directory, name))
        names.push(name)
      }
      for (const name of names.splice(0, Math.max(0, names.length - filesKept))) {
        await rm(join(directory, name), { force: true })
      }
    } catch (cause) {
      throw new HubError('ledger_unwritable', `${directory} cannot be written`, { cause })
    }
  }
}

/** What came of each object; undefined when it is no longer here whole, or was stored by another replica. */
export function createResultsReader(directory: string) {
  return async function read(digest: Digest): Promise<Uint8Array | undefined> {
    const packed = await readFile(join(directory, nameOf(digest))).catch(() => undefined)
    const bytes =
      packed &&
      (await unpack(packed, { maxOutputLength: receiptLimits.results }).catch(() => undefined))
    return bytes && digestOf(bytes) === digest ? bytes : undefined
  }
}

function nameOf(digest: Digest): string {
  return `${digest.slice('sha256:'.length)}.json.gz`
}
