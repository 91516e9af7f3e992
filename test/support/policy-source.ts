import type { PolicySource } from '../../hub/policy/load.ts'

/** A fleet repository with these files, at any commit. */
export function sourceOf(files: Readonly<Record<string, string>>): PolicySource {
  const paths = Object.keys(files)
  const mirror = {
    async readTree(_: string, path: string) {
      const prefix = path === '.' ? '' : `${path}/`
      const found = paths.filter((each) => each.startsWith(prefix))
      const list = found.map((each) => ({
        path: each.slice(prefix.length),
        oid: each,
        size: files[each]!.length,
      }))
      return { id: JSON.stringify(list), files: list }
    },
    readBlobs: async (oids: readonly string[]) => oids.map((oid) => Buffer.from(files[oid]!)),
  }
  return { mirror, commit: 'c' }
}
