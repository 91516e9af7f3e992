import type { Command } from 'commander'
import { schemaNames, toJsonSchema } from '../../fleet/load/json-schema.ts'
import { suggest } from '../../fleet/load/suggest.ts'
import type { CommandContext } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { formatJson } from '../output.ts'

export function addSchema(program: Command, { terminal }: CommandContext): void {
  program
    .command('schema')
    .description('the JSON Schema of configuration in Git, for editors')
    .argument('[kind]', 'a kind, `swell` for swell.yaml, `fleet` for files of any kinds', 'fleet')
    .action((kind: string) => {
      const schema = toJsonSchema(kind)
      if (!schema) {
        throw new CliFailure(2, `there is no schema "${kind}"${suggest(kind, schemaNames)}`, {
          hint: `there are ${schemaNames.join(', ')}`,
        })
      }
      terminal.out(formatJson(schema))
    })
}
