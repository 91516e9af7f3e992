/** All that a list gives, however it gives it. */
export async function collect<T>(listing: Iterable<T> | AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of listing) all.push(one)
  return all
}
