/** Bundles the agent into one file; the same sources give the same bytes. */
export function buildAgent(outfile?: string): Promise<{ bytes: number; digest: string }>
