import type { Command } from 'commander'
import { schemaNames, toJsonSchema } from '../../fleet/load/json-schema.ts'
import { suggest } from '../../fleet/load/suggest.ts'
import type { CommandContext } from '../context.ts'
import { explain } from '../explanation.ts'
import { CliFailure } from '../failure.ts'

/** What can be explained: `fleet` is all kinds at once, which nobody asks for by field. */
const names = schemaNames.filter((name) => name !== 'fleet')

export function addExplain(program: Command, { terminal }: CommandContext): void {
  program
    .command('explain')
    .description(
      'a kind of the configuration in Git, or a field of it: text, type, default, example',
    )
    .argument('<field>', 'KIND or KIND.field.path, such as Application.spec.source')
    .action((field: string) => {
      const [given = '', ...path] = field.split('.')
      const kind = names.find((name) => name.toLowerCase() === given.toLowerCase())
      const schema = kind === undefined ? undefined : toJsonSchema(kind)
      if (kind === undefined || !schema) {
        throw new CliFailure(2, `there is no kind "${given}"${suggest(given, names)}`, {
          hint: `there are ${names.join(', ')}`,
        })
      }
      terminal.out(explain(schema, path, kind))
    })
}
