import { createMirroredTrust } from '../../../agent/trust/mirror.ts'
import { formatState } from '../../../agent/trust/state-text.ts'
import { createCheckingCache } from '../signed-offer.ts'
import { createMemoryCopy, type MemoryCopy } from '../state-copies.ts'
import type { Fault, Stage } from './play.ts'

/**
 * Trust state that is damaged, gone or older, in one place or in both, and content of which some is
 * damaged or gone.
 *
 * @param root the envelope the agent joined by
 */
export function damageTrust({ seed, storm }: Stage, root: Uint8Array): Fault {
  const first = { root, epoch: 1, sequence: 0, snapshotDigest: null, envelope: null }
  const copies = ['Secret', 'file'].map((name) => createMemoryCopy(name, first))
  const content = createCheckingCache()
  const older = [formatState(first)]

  function damage(copy: MemoryCopy, how: number): void {
    const bytes = Buffer.from(copy.text ?? '')
    if (how < 0.35) copy.text = null
    else if (how < 0.7) copy.text = older[Math.floor(seed.random() * older.length)]!
    else if (bytes.length > 0) {
      const at = Math.floor(seed.random() * bytes.length)
      bytes[at] = bytes[at]! ^ (1 << Math.floor(seed.random() * 7))
      copy.text = bytes.toString('latin1')
    }
    storm.faults += 1
  }

  return {
    trust: createMirroredTrust(copies, root),
    content,
    begin() {
      for (const { text } of copies) if (text !== null) older.push(text)
      const [how, which] = [seed.random(), seed.random()]
      if (which < 0.7) damage(copies[0]!, how)
      if (which > 0.4) damage(copies[1]!, seed.random() < 0.5 ? how : seed.random())
      for (const [digest, bytes] of content.blobs) {
        const drawn = seed.random()
        if (drawn >= 0.2) continue
        storm.faults += 1
        if (drawn < 0.1) content.blobs.delete(digest)
        else
          content.blobs.set(
            digest,
            bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte)),
          )
      }
    },
  }
}
