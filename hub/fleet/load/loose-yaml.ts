import {
  type ParseOptions,
  type DocumentOptions,
  type SchemaOptions,
  parseDocument,
  visit,
} from 'yaml'
import { isRecord } from '@groundswell/proto/record.ts'

/** More than a file has that people write: letters, and aliases. */
const [mostLetters, mostAliases] = [512 * 1024, 100]

/**
 * What a file of a repository says that the engine reads, too: a kustomization, a Chart.yaml. The engine says what is
 * wrong with it, better than we could; here it only must not take long. So keys given twice are not looked for, which
 * takes the library a time that grows with the square of a map, nor is what refers to itself all over followed.
 *
 * @param edit changes the document before its value is taken
 * @returns undefined for what cannot be read
 */
export function readLoosely(
  text: string,
  options: Pick<ParseOptions & DocumentOptions & SchemaOptions, 'schema'> = {},
  edit: (document: ReturnType<typeof parseDocument>) => void = () => {},
): Record<string, unknown> | undefined {
  if (text.length > mostLetters) return undefined
  try {
    const document = parseDocument(text, { ...options, logLevel: 'silent', uniqueKeys: false })
    let aliases = 0
    visit(document, { Alias: () => (++aliases > mostAliases ? visit.BREAK : undefined) })
    if (aliases > mostAliases) return undefined
    edit(document)
    const value: unknown = document.toJS({ maxAliasCount: 50 })
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}
