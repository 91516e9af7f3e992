import type { Fault } from '../errors.ts'
import type { Kind } from '../fleet/kinds.ts'
import type { ForeignDocument, ForeignPath, Members } from './foreign-document.ts'
import { type GitRef, toGitRef } from './git-ref.ts'
import type { Converted, Migration } from './migration.ts'

const order: readonly Kind[] = [
  ...(['Repository', 'Cluster', 'ClusterGroup', 'Project', 'RolloutStrategy'] as const),
  ...(['Application', 'NotificationProvider', 'Alert'] as const),
]

/** A migration while it is being made. */
export function createDraft(first: readonly Fault[] = []) {
  const documents = new Map<string, Converted>()
  const gaps: Fault[] = [...first]
  const has = (kind: Kind, name: string) => documents.has(`${kind} ${name}`)

  function add(
    kind: Kind,
    name: string,
    spec: Members,
    labels: Readonly<Record<string, string>> = {},
  ): void {
    const given = Object.entries(spec).filter(([, value]) => value !== undefined)
    documents.set(`${kind} ${name}`, {
      ...{ kind, name, spec: Object.fromEntries(given) },
      ...(Object.keys(labels).length > 0 && { labels }),
    })
  }

  /** A name nobody of that kind has yet. */
  function freeName(kind: Kind, wanted: string): string {
    const base = toName(wanted)
    for (let at = 1; ; at += 1) {
      const name = at === 1 ? base : `${base.slice(0, 58)}-${at}`
      if (!has(kind, name) && !(kind === 'Repository' && name === 'fleet')) return name
    }
  }

  return {
    add,
    has,
    freeName,
    gap(document: ForeignDocument, path: ForeignPath, message: string): void {
      gaps.push(document.gap(path, message))
    },
    /** Tells of every member that is not converted; `words` where more can be said. */
    tellRest(
      document: ForeignDocument,
      path: ForeignPath,
      members: Members,
      converted: readonly string[],
      words: Readonly<Record<string, string>> = {},
    ): void {
      for (const member of Object.keys(members)) {
        if (converted.includes(member)) continue
        const why = Object.hasOwn(words, member) ? words[member] : undefined
        gaps.push(
          document.gap(
            [...path, member],
            why === undefined ? `\`${member}\` has no counterpart` : `\`${member}\`: ${why}`,
          ),
        )
      }
    },
    /** Name of the Repository for a URL at a revision as other tools write it. */
    repository(url: string, revision: string | GitRef | undefined, more: Members = {}): string {
      const ref = typeof revision === 'string' || !revision ? toGitRef(revision) : revision
      const spec = { url, ref, ...more }
      for (const { kind, name, spec: known } of documents.values()) {
        const same = known['url'] === url && JSON.stringify(known['ref']) === JSON.stringify(ref)
        if (kind === 'Repository' && same) return name
      }
      const stem =
        url
          .replace(/\.git$/, '')
          .split(/[/:]/)
          .findLast(Boolean) ?? 'repository'
      const plain = freeName('Repository', stem)
      const name =
        plain === toName(stem) ? plain : freeName('Repository', `${stem}-${Object.values(ref)[0]}`)
      add('Repository', name, spec)
      return name
    },
    /** Declares a cluster that is only spoken of. */
    cluster(name: string): string {
      const known = toName(name)
      if (!has('Cluster', known)) add('Cluster', known, {})
      return known
    },
    finish(): Migration {
      const rank = ({ kind }: Converted) => order.indexOf(kind)
      return {
        documents: [...documents.values()].sort(
          (a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1),
        ),
        gaps: gaps.toSorted(
          (a, b) =>
            (a.file ?? '').localeCompare(b.file ?? '') ||
            (a.line ?? 0) - (b.line ?? 0) ||
            (a.column ?? 0) - (b.column ?? 0),
        ),
      }
    },
  }
}

export type Draft = ReturnType<typeof createDraft>

/** The nearest RFC 1123 label. */
export function toName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '')
  return name === '' || name === 'constructor' ? 'unnamed' : name
}
