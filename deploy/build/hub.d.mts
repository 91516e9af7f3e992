/** Bundles the hub into a folder, with the dashboard built last; the same sources give the same bytes. */
export function buildHub(
  directory?: string,
): Promise<{ program: string; bytes: number; digest: string }>
