/** Makes sure that the programs which rendering is compared with are built; only tests run them. */
export function setUpOracles(): Promise<void>
