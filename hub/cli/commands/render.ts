import { describeObject } from '@groundswell/proto/object-id.ts'
import { type Command, Option } from 'commander'
import { maskObject } from '../../check/mask.ts'
import { formatObject, type Json, parseExact } from '../../check/object-text.ts'
import type { RenderedContent, RenderedFleet } from '../../check/rendered-fleet.ts'
import { describeClusters } from '../../check/where.ts'
import { type CheckoutFlags, toSelection, useCheckout, withCheckout } from '../checkout.ts'
import type { CommandContext } from '../context.ts'
import { escapeLine, escapeLines } from '../output.ts'

interface Flags extends CheckoutFlags {
  readonly at?: string
  readonly showSecrets?: true
  readonly output: 'yaml' | 'json' | 'name'
}

/** The same content of an application, on all clusters that get it. */
interface Shared {
  readonly application: string
  readonly clusters: readonly string[]
  readonly content: RenderedContent
}

export function addRender(program: Command, context: CommandContext): void {
  const { terminal } = context
  withCheckout(program.command('render'))
    .description(
      'the objects every cluster would get of a checkout, without a hub; exits with 1 when something does not render, 2 when not all could be read',
    )
    .option('--at <commit>', 'this commit; the files as they lie there when left out')
    .option('--show-secrets', 'what is secret, too')
    .addOption(
      new Option('-o, --output <format>').choices(['yaml', 'json', 'name']).default('yaml'),
    )
    .action(async (flags: Flags) => {
      const rendered = await useCheckout(context, flags, (checkout) =>
        checkout.render(
          { ...toSelection(flags), ...(flags.at !== undefined && { at: flags.at }) },
          terminal.signal,
        ),
      )
      terminal.out(format(rendered, flags))
      for (const { severity, file, line, object, message, clusters } of rendered.findings) {
        const on = describeClusters(clusters, rendered.fleet.clusters.size)
        const place = [file, line].filter(Boolean).join(':')
        const words = [place, severity, object, `${message}${on && `; on ${on}`}`]
        terminal.say(`${escapeLine(words.filter(Boolean).join(': '))}\n`)
      }
      for (const { application, reason } of rendered.unchecked) {
        terminal.say(escapeLine(`not rendered: Application ${application}: ${reason}`) + '\n')
      }
      if (rendered.findings.some(({ severity }) => severity === 'error')) context.exitCode = 1
      else if (rendered.unchecked.length > 0) context.exitCode = 2
    })
}

function format(rendered: RenderedFleet, { output, showSecrets }: Flags): string {
  const reveal = (json: string): Json => {
    const object = parseExact(json)
    return showSecrets ? object : maskObject(object)
  }
  const all = shareContents(rendered)
  switch (output) {
    case 'yaml':
      return all.map((shared) => formatYaml(shared, rendered.fleet.clusters.size, reveal)).join('')
    case 'json':
      return `${formatExact(
        all.map(({ application, clusters, content }) => ({
          ...{ application, clusters, digest: content.digest },
          objects: content.objects.map(({ json }) => reveal(json)),
        })),
      )}\n`
    case 'name':
      return all
        .flatMap(({ application, content }) =>
          content.objects.map(({ id }) => `${application}: ${escapeLine(describeObject(id))}\n`),
        )
        .join('')
    default:
      return output satisfies never
  }
}

function shareContents({ contents }: RenderedFleet): Shared[] {
  return [...contents].flatMap(([application, on]) => {
    const same = Map.groupBy([...on], ([, { digest }]) => digest)
    return [...same.values()].map((entries) => ({
      application,
      clusters: entries.map(([cluster]) => cluster).sort(),
      content: entries[0]![1],
    }))
  })
}

function formatYaml(
  { application, clusters, content }: Shared,
  total: number,
  reveal: (json: string) => Json,
): string {
  const on = describeClusters(clusters, total)
  const head = `# Application ${application} on ${on}\n# Clusters: ${clusters.join(' ')}\n`
  const documents = content.objects.map(({ file, json }) => {
    const source = file === '' ? '' : `# Source: ${escapeLine(file)}\n`
    return `---\n${source}${escapeLines(formatObject(reveal(json)))}`
  })
  return `${head}${documents.join('')}`
}

// TypeScript does not know it yet.
const { rawJSON: rawJson } = JSON as unknown as {
  rawJSON: (text: string) => unknown
}

/** JSON of values with integers that a double cannot hold. */
function formatExact(value: unknown): string {
  return JSON.stringify(
    value,
    (_, member: unknown) => (typeof member === 'bigint' ? rawJson(String(member)) : member),
    2,
  )
}
