/** Makes sure that the load of benchmarks is built. */
export function setUpLoad(): Promise<void>
