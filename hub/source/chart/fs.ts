import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'
import { HubError } from '../../errors.ts'
import type { Credential, SecretName } from '../credential.ts'
import type { ChartStore, FoundChart } from './chart.ts'
import type { ChartAccess } from './http.ts'

const rememberedReferences = 2_000

/** Archives as files, the least recently used removed past `bytes`; and one file of references. */
export function createChartDirectory(
  directory: string,
  bytes: number,
  now: () => number,
): ChartStore {
  const pathOf = (digest: Digest) => join(directory, `${digest.slice('sha256:'.length)}.tgz`)
  const listPath = join(directory, 'found.json')
  let references: Promise<Map<string, FoundChart>> | undefined

  async function load(): Promise<Map<string, FoundChart>> {
    const text = await readFile(listPath, 'utf8').catch(() => '{}')
    return parseReferences(text)
  }

  async function place(path: string, data: string | Uint8Array): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const aside = `${path}.${process.pid}.new`
    await writeFile(aside, data, { mode: 0o600 })
    await rename(aside, path)
  }

  async function trim(): Promise<void> {
    const names = (await readdir(directory)).filter((name) => name.endsWith('.tgz'))
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(directory, name)
        const { size, mtimeMs } = await stat(path)
        return { path, size, mtimeMs }
      }),
    )
    let total = files.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= bytes) break
      await rm(path, { force: true })
      total -= size
    }
  }

  return {
    has: async (digest) => (await stat(pathOf(digest)).catch(() => undefined)) !== undefined,
    async read(digest) {
      const archive = await readFile(pathOf(digest)).catch(() => undefined)
      if (!archive || digestOf(archive) !== digest) return undefined
      const seconds = now() / 1000
      await utimes(pathOf(digest), seconds, seconds).catch(() => {})
      return archive
    },
    async put(digest, archive) {
      await place(pathOf(digest), archive)
      await trim()
    },
    recall: async (key) => (await (references ??= load())).get(key),
    async remember(key, found) {
      const all = await (references ??= load())
      const known = all.get(key)
      if (known?.digest === found.digest && known.version === found.version) return
      all.delete(key)
      all.set(key, found)
      for (const oldest of all.keys()) {
        if (all.size <= rememberedReferences) break
        all.delete(oldest)
      }
      await place(listPath, `${JSON.stringify(Object.fromEntries(all))}\n`)
    },
  }
}

/** Damaged lines are as if they were not there: what they say is found out again. */
function parseReferences(text: string): Map<string, FoundChart> {
  const found = new Map<string, FoundChart>()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return found
  }
  for (const [key, each] of Object.entries(isRecord(value) ? value : {})) {
    if (!isRecord(each)) continue
    const { version, digest } = each
    if (typeof version !== 'string' || typeof digest !== 'string' || !isDigest(digest)) continue
    found.set(key, { version, digest })
  }
  return found
}

/**
 * Reads a credential from its files or its Secret.
 *
 * @throws HubError `source_refused` naming the credential and what is wrong, never what it holds;
 *   `source_unreachable` when the Secret cannot be asked for
 */
export async function readChartAccess(
  name: string,
  credential: Credential | undefined,
  readSecret: (secret: SecretName) => Promise<ReadonlyMap<string, Buffer>>,
): Promise<ChartAccess> {
  const refuse = (message: string, cause?: unknown) =>
    new HubError('source_refused', `credential ${name}: ${message}`, { cause })
  if (credential?.kind !== 'basic') throw refuse('the hub has none of this name of kind basic')
  const { hosts = [], secret } = credential
  const read = async (file: string | undefined) =>
    file === undefined ? undefined : (await readFile(file, 'utf8')).trimEnd()
  const parts = secret
    ? readSecret(secret).then((members) =>
        ['username', 'password', 'ca.crt'].map((key) => members.get(key)?.toString().trimEnd()),
      )
    : Promise.all(
        [credential.usernameFile, credential.passwordFile, credential.caFile].map(read),
      ).catch((cause: unknown) => {
        throw refuse('its files cannot be read', cause)
      })
  const [user = 'git', password, ca] = await parts
  if (secret && password === undefined && ca === undefined) {
    throw refuse(
      `Secret ${secret.namespace}/${secret.name} has neither \`password\` nor \`ca.crt\``,
    )
  }
  const basic = password && `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return { hosts, ...(basic ? { basic } : {}), ...(ca === undefined ? {} : { ca }) }
}
