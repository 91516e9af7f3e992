import assert from 'node:assert/strict'
import { formatFault, HubError } from '../../hub/errors.ts'
import words from './bad-input-words.json' with { type: 'json' }

/* What people are told of a bad input, word for word: where it is, what is wrong, and what to do. A
   message that changes is a change of the list, which is there to be read. */

const told: Readonly<Record<string, string | readonly string[]>> = words

/** What differs from one run to the next. */
const variable: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{40}\b/g, 'COMMIT'],
  [/sha256:[0-9a-f]{64}/g, 'DIGEST'],
  [/\b(at|commit) [0-9a-f]{7}\b/g, '$1 COMMIT'],
  [/([@-])[0-9a-f]{12}\b/g, '$1COMMIT'],
  [/\brepository r\d+\b/g, 'repository NAME'],
  [/(127\.0\.0\.1|localhost|\[::1\]):\d{2,5}/g, '$1:PORT'],
]

/**
 * The message of an input must be that of the list; one of several, where it is chance which limit a
 * render comes to first.
 */
export function tells(what: string, said: unknown): void {
  const [input, text] = [settle(what), toText(said)]
  const wanted = told[input]
  if (typeof wanted === 'object' && wanted.includes(text)) return
  assert.equal(text, wanted, `${input}: in test/support/bad-input-words.json`)
}

/** As a person reads it: faults with their files, or the message, and what that only counts. */
function toText(said: unknown): string {
  if (typeof said === 'string') return settle(said)
  assert.ok(said instanceof HubError, String(said))
  const { code, message, faults } = said
  const list = faults.map(formatFault)
  if (code === 'render_failed' && list.length > 0) return settle(list.join('\n'))
  return settle([message, ...(/ \(and \d+ more\)$/.test(message) ? list : [])].join('\n'))
}

function settle(text: string): string {
  return variable.reduce((done, [pattern, name]) => done.replace(pattern, name), text)
}
