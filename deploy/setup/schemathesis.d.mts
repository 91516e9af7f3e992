/** Makes sure that schemathesis is installed, where Python can be had. */
export function setUpSchemathesis(): Promise<void>
