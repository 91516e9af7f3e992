/** Bundles the CLI into one file; the same sources give the same bytes. `parts` are characters of each part. */
export function buildSwell(
  outfile?: string,
): Promise<{ bytes: number; digest: string; parts: Readonly<Record<string, number>> }>
