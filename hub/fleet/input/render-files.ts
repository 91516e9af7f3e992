import { posix } from 'node:path'
import { HubError } from '../../errors.ts'
import type { Mirror } from '../../source/source.ts'
import type { Charts } from '../../source/chart/chart.ts'
import type { RenderSource } from './render-source.ts'

type Blobs = Pick<Mirror, 'readBlobs'>

/**
 * The bytes of a source's files, by path in its tree.
 *
 * @throws HubError `source_unreachable` when a repository of a base, or a chart, is not there
 */
export async function readRenderFiles(
  mirror: Blobs,
  { tree, charts: archives = [], bases = [] }: RenderSource,
  mirrorOf: (repository: string) => Blobs | undefined,
  charts: Pick<Charts, 'read'>,
): Promise<Map<string, Uint8Array>> {
  const read = new Map<string, Uint8Array>()
  const put = async (from: Blobs, files: RenderSource['tree']['files'], at: string) => {
    const bytes = await from.readBlobs(files.map(({ oid }) => oid))
    files.forEach(({ path }, index) => read.set(posix.join(at, path), bytes[index]!))
  }
  await put(mirror, tree.files, '.')
  for (const { repository, tree: base, at } of bases) {
    const from = mirrorOf(repository)
    if (!from) throw new HubError('source_unreachable', `repository ${repository} is not there`)
    await put(from, base.files, at)
  }
  for (const { at, chart } of archives) read.set(at, await charts.read(chart))
  return read
}
