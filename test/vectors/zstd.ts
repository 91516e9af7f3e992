/* Zstandard frames by hand (RFC 8878), the same on every machine: compressors may choose other bytes
   with another version, and none makes what an attacker would. */

const magic = [0x28, 0xb5, 0x2f, 0xfd]
/** A block holds no more. */
const blockBytes = 128 * 1024

/** 3 bytes: whether it is the last, its type, its size. */
function blockHeader(last: boolean, type: 0 | 1, size: number): Buffer {
  const header = Buffer.alloc(3)
  header.writeUIntLE((size << 3) | (type << 1) | (last ? 1 : 0), 0, 3)
  return header
}

/** What a frame says of itself: its content's size, and no window, checksum or dictionary. */
function frameHeader(size: number): Buffer {
  const header = Buffer.alloc(9)
  header.set([...magic, 0b1010_0000])
  header.writeUInt32LE(size, 5)
  return header
}

/** A frame of bytes as they are; `stated` is what its header says of their number. */
export function frame(bytes: Uint8Array, stated = bytes.byteLength): Buffer {
  const blocks: Uint8Array[] = []
  for (let at = 0; at < bytes.byteLength || at === 0; at += blockBytes) {
    const part = bytes.subarray(at, at + blockBytes)
    const last = at + blockBytes >= bytes.byteLength
    blocks.push(blockHeader(last, 0, part.byteLength), part)
  }
  return Buffer.concat([frameHeader(stated), ...blocks])
}

/** A frame of some bytes and then of zeros: four bytes for each 128 KiB of those. */
export function bomb(size: number, stated = size, before: Uint8Array = new Uint8Array(0)): Buffer {
  const blocks: Uint8Array[] = []
  if (before.byteLength > 0) blocks.push(blockHeader(false, 0, before.byteLength), before)
  for (let left = size - before.byteLength; left > 0; left -= blockBytes) {
    blocks.push(blockHeader(left <= blockBytes, 1, Math.min(left, blockBytes)), Buffer.from([0]))
  }
  return Buffer.concat([frameHeader(stated), ...blocks])
}
