/* Where lines of the ledger's file begin, so that reading from one does not read all before it. */

/** Bytes between two marks: no more has to be read in vain. */
const gap = 64 * 1024

export interface LineMark {
  /** Lines before it. */
  readonly after: number
  /** Bytes before it. */
  readonly offset: number
}

/** Marks of a file that only grows, one in so many bytes. */
export function createLineMarks() {
  const marks: LineMark[] = [{ after: 0, offset: 0 }]

  return {
    /** A line begins here. */
    note(mark: LineMark): void {
      if (mark.offset - marks.at(-1)!.offset >= gap) marks.push(mark)
    },
    /** The nearest mark with no more lines before it. */
    before(after: number): LineMark {
      let low = 0
      let high = marks.length - 1
      while (low < high) {
        const middle = Math.ceil((low + high) / 2)
        if (marks[middle]!.after <= after) low = middle
        else high = middle - 1
      }
      return marks[low]!
    },
  }
}

export type LineMarks = ReturnType<typeof createLineMarks>
