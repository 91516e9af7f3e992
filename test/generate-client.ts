import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import type { TrustDesk } from '../hub/api/hub.ts'
import { startApi } from './support/api.ts'
import { type OpenApiDocument, printClient } from './support/print-client.ts'

/*
 * Writes hub/client/gen/api.ts anew, of the OpenAPI document as a hub serves it; with --check, only
 * says that it is not what the document is now.
 */

const path = fileURLToPath(new URL('../hub/client/gen/api.ts', import.meta.url))

async function readDocument(): Promise<OpenApiDocument> {
  // Nothing is asked of it: its routes are there.
  const trust = {} as TrustDesk
  await using test = await startApi(10_000, 30_000, undefined, { trust })
  return (await test.api.inject('/openapi.json')).json<OpenApiDocument>()
}

const options = { ...(await resolveConfig(path)), filepath: path }
const text = await format(printClient(await readDocument()), options)
if (!process.argv.includes('--check')) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
} else if (read(path) !== text) {
  process.stderr.write(
    `${path} is not what the OpenAPI document is now: run \`npm run generate\`\n`,
  )
  process.exitCode = 1
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
