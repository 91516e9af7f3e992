/** Where a commit was found, in Flux's spelling (RFC-0005): `main@sha1:<40 hex>`. */
export interface Revision {
  readonly ref: string
  readonly commit: string
}

export function formatRevision(revision: Revision): string {
  return `${revision.ref}@sha1:${revision.commit}`
}

/** @throws TypeError when the text is not `ref@sha1:<40 hex>`. */
export function parseRevision(text: string): Revision {
  const match = /^(.+)@sha1:([0-9a-f]{40})$/.exec(text)
  if (!match) throw new TypeError(`not a revision: ${text}`)
  return { ref: match[1]!, commit: match[2]! }
}

/** For tables: `main@sha1:1234abc`. */
export function shortRevision(text: string): string {
  return text.replace(/(@sha1:[0-9a-f]{7})[0-9a-f]+$/, '$1')
}
