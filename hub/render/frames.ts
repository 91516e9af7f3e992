/** A 4-byte big-endian length, then that many bytes; text as UTF-8, written once. */
export function encodeFrame(body: Uint8Array | string): Uint8Array {
  const size = Buffer.byteLength(body)
  const frame = Buffer.allocUnsafe(4 + size)
  frame.writeUInt32BE(size)
  if (typeof body === 'string') frame.write(body, 4)
  else frame.set(body, 4)
  return frame
}

export interface FrameReader {
  /**
   * Takes what has arrived and gives the frames it completes.
   *
   * @throws RangeError when a frame announces more than the bound, before it is held.
   */
  push(chunk: Uint8Array): Uint8Array[]
}

/** Cuts a byte stream into frames of at most `maxBytes` each. */
export function createFrameReader(maxBytes: number): FrameReader {
  let held: Uint8Array[] = []
  let size = 0

  function take(count: number): Uint8Array {
    const joined = held.length === 1 ? (held[0] as Uint8Array) : Buffer.concat(held)
    held = [joined.subarray(count)]
    size -= count
    return joined.subarray(0, count)
  }

  let wanted: number | undefined
  return {
    push(chunk) {
      held.push(chunk)
      size += chunk.byteLength
      const frames: Uint8Array[] = []
      for (;;) {
        if (wanted === undefined) {
          if (size < 4) return frames
          const head = take(4)
          wanted = new DataView(head.buffer, head.byteOffset, 4).getUint32(0)
          if (wanted > maxBytes)
            throw new RangeError(`a frame of ${wanted} bytes is over ${maxBytes}`)
        }
        if (size < wanted) return frames
        frames.push(take(wanted))
        wanted = undefined
      }
    },
  }
}
