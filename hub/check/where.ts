/**
 * Clusters in words: `cluster edge-1`, `all 200 clusters`, `412 clusters, such as edge-1`; empty
 * for none.
 *
 * @param total clusters there are
 */
export function describeClusters(clusters: readonly string[], total: number): string {
  const [first] = clusters
  if (first === undefined) return ''
  if (clusters.length === 1) return `cluster ${first}`
  if (clusters.length === total) return `all ${total} clusters`
  return `${clusters.length} clusters, such as ${first}`
}

/** `1 cluster`, `2 clusters`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Applications in words: `application shop`, `5 applications, such as shop`. */
export function describeApplications(names: readonly string[]): string {
  const [first = ''] = names
  return names.length === 1
    ? `application ${first}`
    : `${names.length} applications, such as ${first}`
}
