/**
 * What a client certificate's serial number says, signed by our CA like all of it: which of the
 * cluster's series it is of, and how often it was renewed within that.
 */
export interface CertificateNumber {
  /** 1 to 2^16 - 1; see `Enrolment.series`. */
  readonly series: number
  /** From 1, rising with each renewal; below 2^32. */
  readonly generation: number
  /** The whole number, lower case hex. */
  readonly serial: string
}

/** Bytes nobody can guess, in each number: 72 bits. */
export const serialRandomBytes = 9

/** 16 bytes: 1 (so that it is positive and has no leading zero), series, generation, random. */
export function formatSerial(series: number, generation: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(7 + serialRandomBytes)
  bytes[0] = 1
  bytes.writeUInt16BE(series, 1)
  bytes.writeUInt32BE(generation, 3)
  bytes.set(random.subarray(0, serialRandomBytes), 7)
  return bytes.toString('hex')
}

/** Undefined for a number that is not of our making. */
export function parseSerial(text: string): CertificateNumber | undefined {
  const serial = text
    .toLowerCase()
    .replace(/^0(?=1[0-9a-f]{30}$)/, '')
    .padStart(32, '0')
  if (!/^01[0-9a-f]{30}$/.test(serial)) return undefined
  const bytes = Buffer.from(serial, 'hex')
  return { series: bytes.readUInt16BE(1), generation: bytes.readUInt32BE(3), serial }
}
