/** Makes sure that the loader of the compose specification is built. */
export function setUpComposeSpec(): Promise<void>
