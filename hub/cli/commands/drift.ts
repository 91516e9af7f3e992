import type { Command } from 'commander'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { writeIgnoreSnippet } from '../ignore-snippet.ts'
import { asListing } from '../listing.ts'
import { escapeLine } from '../output.ts'

export function addDrift(program: Command, context: CommandContext): void {
  const { terminal, connect } = context
  const drift = program.command('drift').description('work with what differs from Git')
  asListing(drift.command('list'), context, 'listDrift', {
    CLUSTER: ({ cluster }) => cluster,
    APPLICATION: ({ application }) => application,
    DRIFTED: ({ driftedObjects }) => driftedObjects,
    OBJECTS: ({ objects }) => objects.join(' '),
  }).description('what differs from Git, of all clusters')

  withConnection(drift.command('ignore'))
    .description('print the rule for Git that leaves drifted fields to whoever changed them')
    .argument('<cluster>')
    .argument('<application>')
    .argument('<object>', 'group/kind/namespace/name, kind/name, or the name')
    .argument('[field]', 'such as /spec/replicas; all that differs when left out')
    .action(
      async (
        cluster: string,
        application: string,
        object: string,
        field: string | undefined,
        flags: ConnectionFlags,
      ) => {
        const client = await connect(flags)
        const { signal } = terminal
        const { clusters } = await client.call('diffApplication', {
          path: { name: application },
          query: { cluster },
          signal,
        })
        const [found] = clusters
        if (!found) throw new CliFailure(1, `${application} is not on cluster ${cluster}`)
        const { drift, pointers, text } = writeIgnoreSnippet(found.drift, object, field)
        for (const one of drift.fields) {
          if (!pointers.some((pointer) => one.path.startsWith(pointer))) continue
          const by = one.manager ? ` (${one.manager})` : ''
          const words = `${one.path} is ${one.live || 'absent'}, should be ${one.desired || 'absent'}${by}`
          terminal.say(`${escapeLine(words)}\n`)
        }
        terminal.say(`for the spec of Application ${escapeLine(application)}:\n`)
        terminal.out(text)
      },
    )
}
