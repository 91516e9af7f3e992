import { isJsonObject, type Json, type JsonObject } from './object-text.ts'

/** Which of two sides is masked: a secret that differs says so, and nothing else. */
export type Side = 'before' | 'after'

const hidden = '***'

/** Names whose value is a secret by all experience; references to one, `secretName`, are not. */
const secretName =
  /(?:pass(?:word|wd|phrase)?|secret|token|api[-_.]?key|access[-_.]?key|private[-_.]?key|client[-_.]?secret|credentials?|connection[-_.]?string)$/i
/** Values that are secrets whatever their name. */
const secretText = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,})/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+/g,
  /\bAGE-SECRET-KEY-1[A-Z0-9]{40,}/g,
  /(?<=[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/@]+(?=@)/gi,
]
/* Those below are what stands after a name. Where blanks may be between the two, the name is found first: looked for
   backwards from every place, a text of nothing but blanks would take a time that grows with its square. */

const nameSource = secretName.source.slice(0, -1)
const valueSource = String.raw`(?:\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*'|[^\s,;&"'}<>]+)`
const namedText = [
  /(authorization\\?["']?[\s:=]+\\?["']?)((?:basic|bearer)\s+[^\s"'\\]+)/gi,
  // `db.password=…` and `token: …` in the text of a configuration file.
  new RegExp(
    String.raw`^([^\S\n]*["']?[\w.-]*${nameSource}["']?[^\S\n]*[:=][^\S\n]*)([^\s][^\n]*)`,
    'gim',
  ),
  // The same in the middle of a line: `{"password": …}`.
  new RegExp(
    String.raw`(?<=[{,])(\s*\\?["']?[\w.-]*${nameSource}\\?["']?\s*:\s*)(${valueSource})`,
    'gi',
  ),
]
/** `…;Password=…;`, `?token=…&`, `--password=…`. */
const secretPair = new RegExp(
  String.raw`(?<=[\s{,;&?("'|-][\w.-]*${nameSource}\\?["']?\s?=\s?)${valueSource}`,
  'gi',
)

/** Fields of a Secret that hold it, in clear or as a copy. */
const copies = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * An object without its secrets: the data of a Secret, and elsewhere what looks like one by its
 * name or its form. Where both sides are given, one that differs is marked.
 */
export function maskObject(object: Json, other?: Json, side: Side = 'before'): Json {
  const mark = (isSame: boolean) => (other === undefined || isSame ? hidden : `${hidden} (${side})`)
  const isSecret = isJsonObject(object) && object['kind'] === 'Secret'

  function mask(value: Json, beside: Json | undefined, name: string): Json {
    if (typeof value === 'string') {
      return secretName.test(name) && value !== ''
        ? mark(value === beside)
        : maskText(value, beside)
    }
    if (Array.isArray(value)) {
      const list = Array.isArray(beside) ? (beside as readonly Json[]) : []
      return (value as readonly Json[]).map((item, at) => mask(item, list[at], name))
    }
    if (!isJsonObject(value)) return value
    const there = isJsonObject(beside) ? beside : {}
    const named = nameOfPair(value)
    return mapMembers(value, (key, member) =>
      mask(member, there[key], named !== undefined && key === 'value' ? named : key),
    )
  }

  function maskText(text: string, beside: Json | undefined): string {
    const same = typeof beside === 'string' ? beside : ''
    const conceal = (found: string) => mark(same.includes(found))
    const plain = secretText.reduce((left, form) => left.replace(form, conceal), text)
    const named = namedText.reduce(
      (left, form) => left.replace(form, (_, name: string, found: string) => name + conceal(found)),
      plain,
    )
    return named.replace(secretPair, conceal)
  }

  function hide(value: Json, beside: Json | undefined): Json {
    const there = isJsonObject(beside) ? beside : {}
    return isJsonObject(value)
      ? mapMembers(value, (key, member) => mark(spell(member) === spell(there[key])))
      : mark(spell(value) === spell(beside))
  }

  if (!isSecret) return mask(object, other, '')
  const there = isJsonObject(other) ? other : {}
  return mapMembers(object, (key, member) => {
    if (key === 'data' || key === 'stringData') return hide(member, there[key])
    if (key !== 'metadata' || !isJsonObject(member)) return mask(member, there[key], key)
    const { annotations } = member
    if (!isJsonObject(annotations) || !Object.hasOwn(annotations, copies)) return member
    return { ...member, annotations: { ...annotations, [copies]: hidden } }
  })
}

/** The name of an environment variable or argument: `{name: DB_PASSWORD, value: …}`. */
function nameOfPair({ name, value }: JsonObject): string | undefined {
  return typeof name === 'string' && typeof value === 'string' ? name : undefined
}

function mapMembers(object: JsonObject, map: (key: string, member: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, member]) => [key, map(key, member)]))
}

function spell(value: Json | undefined): string | undefined {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'bigint' ? String(member) : member,
  )
}
