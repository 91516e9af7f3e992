import { createHmac, timingSafeEqual } from 'node:crypto'

const randomBytes = 16
const timeBytes = 6
const macBytes = 16
/** An agent answers at once; this is for slow links. */
const lifeMs = 60_000
/** Answered challenges that are remembered; each was answered by a key or a secret we know. */
const mostAnswered = 10_000

/**
 * Challenges nobody can make but the hub, kept by nobody: a caller that begins and never goes on
 * costs the hub nothing. Each is for one subject, good for a minute and, once answered well, used.
 */
export function createChallenges(key: Uint8Array, random: (bytes: number) => Buffer) {
  const answered = new Map<string, number>()

  function macOf(subject: string, body: Uint8Array): Buffer {
    const hash = createHmac('sha256', key).update('groundswell/challenge/v1|').update(body)
    return hash.update(subject).digest().subarray(0, macBytes)
  }

  return {
    make(subject: string, now: number): Buffer {
      const body = Buffer.alloc(randomBytes + timeBytes)
      body.set(random(randomBytes))
      body.writeUIntBE(now + lifeMs, randomBytes, timeBytes)
      return Buffer.concat([body, macOf(subject, body)])
    },
    isOurs(nonce: Uint8Array, subject: string, now: number): boolean {
      if (nonce.byteLength !== randomBytes + timeBytes + macBytes) return false
      const body = Buffer.from(nonce.subarray(0, randomBytes + timeBytes))
      const mac = nonce.subarray(randomBytes + timeBytes)
      if (!timingSafeEqual(mac, macOf(subject, body))) return false
      return body.readUIntBE(randomBytes, timeBytes) >= now
    },
    /** False when it was answered before. */
    use(nonce: Uint8Array, now: number): boolean {
      for (const [old, until] of answered) {
        if (until >= now && answered.size < mostAnswered) break
        answered.delete(old)
      }
      const text = Buffer.from(nonce).toString('base64')
      if (answered.has(text)) return false
      answered.set(text, now + lifeMs)
      return true
    },
  }
}
