import type { ChangesView } from '../api/plan-view.ts'
import type { ObjectDiff } from './fleet-diff.ts'

/** Characters of one patch. */
const longestPatch = 64 * 1024

/**
 * Objects as long as there is room; removals stand first.
 *
 * @param room characters of all patches together; what is taken is taken off it
 */
export function fitObjects(
  objects: readonly ObjectDiff[],
  room: { left: number },
): ChangesView['objects'] {
  const shown: ChangesView['objects'][number][] = []
  for (const { object, id, file, variants } of objects) {
    const cut = variants.map((one) => ({
      ...{ change: one.change, fate: one.fate, clusters: one.clusters },
      patch:
        one.patch.length > longestPatch ? `${one.patch.slice(0, longestPatch)}\n…\n` : one.patch,
    }))
    room.left -= cut.reduce((sum, { patch }) => sum + patch.length, 0)
    if (room.left < 0) break
    shown.push({ object, id, file, variants: cut })
  }
  return shown
}
