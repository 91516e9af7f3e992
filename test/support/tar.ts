import { gzipSync } from 'node:zlib'

/** One entry of an archive; a link when it has a target. */
export interface TarEntry {
  readonly name: string
  readonly data?: Uint8Array | string
  readonly linkTo?: string
  /** As the format has it: 1 a hard link, 2 a symbolic one, 3 a device; a file or a symbolic link when left out. */
  readonly type?: '0' | '1' | '2' | '3'
  /** What its head says it has, whatever follows; a number beyond the format's digits is written in binary. */
  readonly size?: number
}

const block = 512

/** A gzipped tar of these entries, as `helm package` makes one. */
export function packTar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap(({ name, data = '', linkTo, type, size }) => {
    const bytes = Buffer.from(data)
    const head = Buffer.alloc(block)
    head.write(name, 0, 100)
    head.write('0000644\0', 100)
    head.write('0000000\0', 108)
    head.write('0000000\0', 116)
    head.write(`${bytes.byteLength.toString(8).padStart(11, '0')}\0`, 124)
    if (size !== undefined) {
      head.fill(0, 124, 136).writeUInt8(0x80, 124)
      head.writeBigUInt64BE(BigInt(size), 128)
    }
    head.write('00000000000\0', 136)
    head.write('        ', 148)
    head.write(type ?? (linkTo === undefined ? '0' : '2'), 156)
    head.write(linkTo ?? '', 157, 100)
    head.write('ustar\x0000', 257)
    const sum = head.reduce((total, byte) => total + byte, 0)
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    return [head, bytes, Buffer.alloc((block - (bytes.byteLength % block)) % block)]
  })
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * block)]))
}

/** A chart's archive: its files below a directory of its name. */
export function packChart(name: string, files: Readonly<Record<string, string>>): Buffer {
  return packTar(Object.entries(files).map(([path, data]) => ({ name: `${name}/${path}`, data })))
}
