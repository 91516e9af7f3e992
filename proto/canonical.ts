/** What canonical JSON can hold. Numbers are safe integers only: anything else has no single spelling. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/**
 * The one spelling of a value: keys sorted by code unit, no white space, absent members left out.
 * Same value, same bytes, so its digest can stand for it.
 *
 * @throws TypeError for numbers that are not safe integers.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new TypeError(`canonical JSON holds safe integers only, got ${value}`)
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  return Array.isArray(value) ? spellList(value) : spellObject(value as Members)
}

type Members = { readonly [key: string]: Json | undefined }

function spellList(items: readonly Json[]): string {
  let text = '['
  for (let at = 0; at < items.length; at += 1) {
    text += at === 0 ? canonicalJson(items[at]!) : `,${canonicalJson(items[at]!)}`
  }
  return `${text}]`
}

function spellObject(members: Members): string {
  let text = '{'
  // Without a comparison of its own, sort goes by code unit.
  for (const key of Object.keys(members).sort()) {
    const member = members[key]
    if (member === undefined) continue
    text += `${text === '{' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`
  }
  return `${text}}`
}
