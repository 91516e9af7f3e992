/** The application that the steps release, where its tag is, and the tags it goes through. */
export const released = {
  application: 'storefront',
  file: 'apps/storefront/kustomization.yaml',
  first: '6.7.0',
  good: '6.7.1',
  /** On played nodes pods of this tag never become ready; elsewhere nobody can pull it. */
  bad: 'broken',
} as const

export function changeTag(from: string, to: string) {
  return { from: `newTag: ${from}`, to: `newTag: ${to}` }
}
