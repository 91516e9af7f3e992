/** Share of all applications. */
const most = 0.5

/** Whether so many applications are gone from Git at once that their removal needs a person's word. */
export function isMassRemoval(gone: number, total: number): boolean {
  return gone > 1 && gone > total * most
}
