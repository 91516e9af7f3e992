/* What an application leaves to others, by JSON Pointer into the object as it lives. */

/** Whether a field lies at or below one that is ignored. */
export function isIgnoredPath(pointer: string, ignored: readonly string[]): boolean {
  return ignored.some((one) => pointer === one || pointer.startsWith(`${one}/`))
}

/** The JSON text of a value with what is ignored below it taken out; the same text where nothing is. */
export function withoutIgnored(json: string, pointer: string, ignored: readonly string[]): string {
  const below = ignored.filter((one) => one.startsWith(`${pointer}/`))
  if (below.length === 0 || json === '') return json
  const root = JSON.parse(json) as unknown
  for (const one of below) removeAt(root, parsePointer(one.slice(pointer.length)))
  return JSON.stringify(root)
}

export function parsePointer(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function removeAt(root: unknown, steps: readonly string[]): void {
  let here = root
  for (const step of steps.slice(0, -1)) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return
    here = (here as Record<string, unknown>)[step]
  }
  const last = steps.at(-1)
  if (typeof here !== 'object' || here === null || last === undefined) return
  if (!Array.isArray(here)) delete (here as Record<string, unknown>)[last]
  else if (/^\d+$/.test(last)) here.splice(Number(last), 1)
}
