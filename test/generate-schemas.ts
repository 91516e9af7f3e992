import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { schemaFile, schemaNames, toJsonSchema } from '../hub/fleet/load/json-schema.ts'

/* Writes deploy/schemas anew; with --check, only says which of it is not what the kinds are now. */

const directory = fileURLToPath(new URL('../deploy/schemas/', import.meta.url))
const checking = process.argv.includes('--check')

for (const name of schemaNames) {
  const path = `${directory}${schemaFile(name)}`
  const options = { ...(await resolveConfig(path)), filepath: path }
  const text = await format(JSON.stringify(toJsonSchema(name)), options)
  if (!checking) writeFileSync(path, text)
  else if (read(path) !== text) {
    process.stderr.write(`${path} is not what its kind is now: run \`npm run generate\`\n`)
    process.exitCode = 1
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
