/** A step saw something else than it had to: what was expected, and what was seen. */
export class UnmetExpectation extends Error {
  override readonly name = 'UnmetExpectation'
  readonly expected: string
  readonly seen: unknown

  constructor(expected: string, seen: unknown) {
    super(`expected ${expected}, saw ${JSON.stringify(seen)}`)
    this.expected = expected
    this.seen = seen
  }
}

/** @throws UnmetExpectation when it does not hold */
export function expectThat(holds: boolean, expected: string, seen: unknown): asserts holds {
  if (!holds) throw new UnmetExpectation(expected, seen)
}
