import { gzipSync } from 'node:zlib'
import { hideSecrets } from '@groundswell/proto/redact.ts'
import type { Command } from 'commander'
import hub from '../../package.json' with { type: 'json' }
import type { Client } from '../client.ts'
import type { ConnectionFlags } from '../config.ts'
import { type CommandContext, withConnection } from '../context.ts'
import { CliFailure } from '../failure.ts'
import { escapeLine } from '../output.ts'
import { type ArchiveFile, packArchive } from '../tar.ts'

type Asking = { readonly signal: AbortSignal }

/** The longest page the hub gives. */
const query = { limit: 500 }

/** What is asked beside the hub's own part, and the file it goes to. */
const parts: readonly (readonly [
  file: string,
  ask: (client: Client, asking: Asking) => unknown,
])[] = [
  ['summary.json', (client, asking) => client.call('getSummary', asking)],
  ['fleet.json', (client, asking) => client.call('getFleet', asking)],
  ['sources.json', (client, asking) => client.call('listSources', { query, ...asking })],
  ['clusters.json', (client, asking) => client.call('listClusters', { query, ...asking })],
  ['pending.json', (client, asking) => client.call('listPendingClusters', { query, ...asking })],
  ['applications.json', (client, asking) => client.call('listApplications', { query, ...asking })],
  ['rollouts.json', (client, asking) => client.call('listRollouts', { query, ...asking })],
  ['trust.json', (client, asking) => client.call('getTrust', asking)],
  ['authorities.json', (client, asking) => client.call('listAuthorities', asking)],
  ['events.json', (client, asking) => client.call('listEvents', { query, ...asking })],
]

/** One file with what somebody who helps asks for, and no secret in it. */
export function addSupport(program: Command, { terminal, connect }: CommandContext): void {
  withConnection(program.command('support'))
    .description('a file with settings, state, events, metrics and log of the hub, without secrets')
    .option('-o, --output <file>', 'where to write it; a .tar.gz')
    .action(async (flags: ConnectionFlags & { readonly output?: string }) => {
      const { signal } = terminal
      const client = await connect(flags)
      const at = new Date(terminal.now()).toISOString()
      const name = `groundswell-support-${at.slice(0, 19).replaceAll(/[-:]/g, '')}`
      const missing: string[] = []
      const files: ArchiveFile[] = []
      const add = (file: string, text: string): void => {
        files.push({ path: `${name}/${file}`, text: hideSecrets(text) })
      }
      const format = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
      const tryPart = async (file: string, work: () => Promise<void>): Promise<void> => {
        try {
          await work()
        } catch (cause) {
          if (!(cause instanceof CliFailure) || signal.aborted) throw cause
          missing.push(`${file}: ${cause.message}`)
        }
      }
      await tryPart('hub.json', async () => {
        const { log, metrics, ...rest } = await client.call('getSupport', { signal })
        add('hub.json', format(rest))
        add('hub.log', log.map((line) => `${line}\n`).join(''))
        add('metrics.txt', metrics)
      })
      for (const [file, ask] of parts) {
        await tryPart(file, async () => add(file, format(await ask(client, { signal }))))
      }
      if (files.length === 0) {
        throw new CliFailure(2, 'the hub answered nothing', { lines: missing })
      }
      add('about.json', format({ at, server: client.server, swell: hub.version, missing }))
      const output = flags.output ?? `${name}.tar.gz`
      const archive = gzipSync(packArchive(files, Math.floor(terminal.now() / 1000)))
      await terminal.writeFile(output, archive, 0o600)
      terminal.out(`${output}\n`)
      for (const line of missing) terminal.say(`not in it: ${escapeLine(line)}\n`)
      terminal.say(
        'names of clusters, applications and people are in it: look before you send it on\n',
      )
    })
}
