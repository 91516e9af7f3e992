import type { Notice } from './notice.ts'

/** What `${…}` in a template may name; there is nothing else to a template. */
export const templateNames = [
  ...(['type', 'severity', 'kind', 'name', 'rollout', 'revision', 'actor', 'message'] as const),
  ...(['time', 'fleet', 'summary'] as const),
]

const reference = /\$\{([^}]*)\}/g
/** Characters of a text that is sent. */
const longestText = 3_000

/** Names in a template that mean nothing. */
export function findUnknownNames(template: string): string[] {
  return [...template.matchAll(reference)]
    .map(([, name]) => name!)
    .filter((name) => !templateNames.some((known) => known === name))
}

/** The words of a notice: by a template, else as people read events. */
export function writeText(
  notice: Notice,
  { fleet, summary = '', template }: { fleet: string; summary?: string; template?: string },
): string {
  const { type, severity, kind, name, rollout = '', revision = '', at } = notice
  const message = clean(notice.message)
  const actor = clean(notice.actor)
  const values: Readonly<Record<(typeof templateNames)[number], string>> = {
    ...{ type, severity, kind, name, rollout, revision, actor, message, fleet, summary },
    time: new Date(at).toISOString(),
  }
  const text =
    template === undefined
      ? [summary, `${kind} ${name}: ${message}`].filter(Boolean).join('\n')
      : template.replace(reference, (whole, key: string) =>
          Object.hasOwn(values, key) ? values[key as keyof typeof values] : whole,
        )
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`
}

/** Words of clusters and Git: lines stay, what a terminal or a chat would obey does not. */
function clean(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Bidi_Control}]/gu, ' ')
}
