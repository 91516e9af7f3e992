import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { judgeWebhook } from '../../../../hub/source/webhook.ts'
import { createSeed } from '../../../support/seed.ts'

const secret = 'shh'
const body = Buffer.from('{"ref":"refs/heads/main"}')
const right = createHmac('sha256', secret).update(body).digest('hex')

/** A claim that is right in its first digits, and wrong in all after them. */
function claim(digits: number): string {
  const wrong = Array.from(right.slice(digits), (digit) => (digit === '0' ? '1' : '0'))
  return right.slice(0, digits) + wrong.join('')
}

/** How closely two lists rise and fall together, by ranks: 0 not at all, 1 always (Spearman). */
function correlate(one: readonly number[], other: readonly number[]): number {
  const [left, right] = [one, other].map(rank)
  const mean = (one.length - 1) / 2
  let [both, ofLeft, ofRight] = [0, 0, 0]
  for (const [at, value] of left!.entries()) {
    const [x, y] = [value - mean, right![at]! - mean]
    both += x * y
    ofLeft += x * x
    ofRight += y * y
  }
  return both / Math.sqrt(ofLeft * ofRight)
}

/** Equal values share the mean of their ranks. */
function rank(values: readonly number[]): number[] {
  const order = [...values.keys()].toSorted((a, b) => values[a]! - values[b]!)
  const ranks: number[] = Array.from({ length: values.length })
  for (let start = 0; start < order.length;) {
    let end = start
    while (end < order.length && values[order[end]!] === values[order[start]!]) end += 1
    for (let at = start; at < end; at += 1) ranks[order[at]!] = (start + end - 1) / 2
    start = end
  }
  return ranks
}

/** Times claims of every length, mixed, so that what the machine does meanwhile is in all alike. */
function measure(judge: (claim: string) => unknown, random: () => number): number {
  const claims = Array.from({ length: 64 }, (_, digits) => claim(digits))
  const lengths: number[] = []
  const times: number[] = []
  for (let sample = 0; sample < 12_000; sample += 1) {
    const digits = Math.floor(random() * 64)
    const begun = process.hrtime.bigint()
    judge(claims[digits]!)
    const took = Number(process.hrtime.bigint() - begun)
    // The first ones are of code that is not compiled yet.
    if (sample < 2_000) continue
    lengths.push(digits)
    times.push(took)
  }
  return correlate(lengths, times)
}

/** What must not be written: it stops at the first digit that differs. */
function leak(claimed: string): boolean {
  for (let at = 0; at < right.length; at += 1) {
    if (claimed.charCodeAt(at) !== right.charCodeAt(at)) return false
  }
  return true
}

test('B70: the time a webhook is refused in does not tell how much of its signature is right', () => {
  const { text, random } = createSeed(process.env['SEED'])
  const found = measure(
    (claimed) => judgeWebhook({ 'x-hub-signature-256': `sha256=${claimed}` }, body, [secret]),
    random,
  )
  // Of 10,000 samples that have nothing to do with each other, |r| is above 0.06 once in a billion.
  assert.ok(
    Math.abs(found) < 0.06,
    `the times follow the matching prefix: r = ${found}, SEED=${text}`,
  )
  const leaking = measure(leak, random)
  assert.ok(leaking > 0.3, `the measurement finds no leak where there is one: r = ${leaking}`)
})
