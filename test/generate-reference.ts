import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { environmentPrefix as agentPrefix, settingsTable as agentTable } from '../agent/config.ts'
import { schemaNames, toJsonSchema } from '../hub/fleet/load/json-schema.ts'
import { environmentPrefix as hubPrefix, settingsTable as hubTable } from '../hub/settings-table.ts'
import { describeChartSettings } from './chart-settings.ts'
import { type Schema, describeKind, describeTable } from './reference-text.ts'

/* Writes deploy/docs/reference.md and what the hub's chart knows of settings anew; with --check, only says
   which of it is not what settings and kinds are now. */

const path = fileURLToPath(new URL('../deploy/docs/reference.md', import.meta.url))
const head = `# Reference

Every setting of hub and agent, and every field of the kinds in a fleet repository. \`npm run generate\` makes this page from the tables
and schemas that the programs themselves read by; what a thing is for is in the [README](../../README.md).

A flag beats its variable, that beats the file of \`--config\`, that the default. A dot in the name of a field leads into a map, \`[]\` into each of a list,
\`.*\` into each of a map whose names are yours.

`
const parts = [
  describeTable('Settings of the hub', hubTable, hubPrefix),
  describeTable('Settings of the agent', agentTable, agentPrefix),
  ...schemaNames
    .map((name) => toJsonSchema(name) as Schema & { title?: string })
    .filter(({ properties }) => properties?.['kind']?.const !== undefined)
    .map((schema) => describeKind(String(schema.properties!['kind']!.const), schema)),
]
const chart = fileURLToPath(new URL('../deploy/charts/hub/values.schema.json', import.meta.url))
const values = JSON.parse(readFileSync(chart, 'utf8')) as {
  properties: { settings: { properties: object } }
}
values.properties.settings.properties = describeChartSettings()

await keep(path, head + parts.join('\n'))
await keep(chart, JSON.stringify(values))

async function keep(file: string, content: string): Promise<void> {
  const options = { ...(await resolveConfig(file)), filepath: file }
  const text = await format(content, options)
  if (!process.argv.includes('--check')) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    process.stderr.write(
      `${file} is not what settings and kinds are now: run \`npm run generate\`\n`,
    )
    process.exitCode = 1
  }
}
