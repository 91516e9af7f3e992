import type { Notice } from './notice.ts'

/** More of a group than this are counted, not named. */
const named = 10

/** News of one type, about one kind of thing, is one notice: a thousand clusters go away together. */
export function groupNotices(notices: readonly Notice[]): Notice[] {
  const groups = Map.groupBy(notices, ({ type, kind, severity, name }) =>
    // An application's news is read by application.
    JSON.stringify([type, severity, kind, kind === 'Application' ? name : '']),
  )
  return [...groups.values()].map((group) => {
    const [first] = group as [Notice]
    if (group.length === 1) return first
    const shown = group.slice(0, named)
    const rest = group.length - shown.length
    const lines = shown.map(({ name, message, kind }) =>
      kind === 'Application' ? message : `${name}: ${message}`,
    )
    return {
      ...first,
      id: group
        .map(({ id }) => id)
        .sort()
        .join('\n'),
      message: [
        `${group.length} times ${first.type}:`,
        ...lines,
        ...(rest > 0 ? [`and ${rest} more`] : []),
      ].join('\n'),
    }
  })
}
