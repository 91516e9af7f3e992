/** Makes sure that the `kubectl` which applying is compared with is built. */
export function setUpKubectl(): Promise<void>
