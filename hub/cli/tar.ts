/** A file of an archive. */
export interface ArchiveFile {
  readonly path: string
  readonly text: string
}

const block = 512
/** Of the format's first field; longer paths have no place here. */
const longestPath = 100

/**
 * An archive in the POSIX format (ustar), for whoever reads a support bundle: files only, for their owner.
 *
 * @param seconds since 1970, of every file
 */
export function packArchive(files: readonly ArchiveFile[], seconds: number): Buffer {
  const parts = files.flatMap(({ path, text }) => {
    if (Buffer.byteLength(path) > longestPath) throw new RangeError(`${path}: too long a path`)
    const bytes = Buffer.from(text)
    const padding = Buffer.alloc((block - (bytes.byteLength % block)) % block)
    return [packHeader(path, bytes.byteLength, seconds), bytes, padding]
  })
  return Buffer.concat([...parts, Buffer.alloc(2 * block)])
}

function packHeader(path: string, size: number, seconds: number): Buffer {
  const header = Buffer.alloc(block)
  const octal = (value: number, at: number, digits: number): void => {
    header.write(value.toString(8).padStart(digits, '0'), at)
  }
  header.write(path, 0)
  octal(0o600, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(size, 124, 11)
  octal(Math.floor(seconds), 136, 11)
  // The sum counts its own field as spaces.
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
