import { formatJson } from './output.ts'
import type { Terminal } from './terminal.ts'

/** What programs read, beside what people do. */
export type DataFormat = 'json' | 'yaml'

export function isData(format: string): format is DataFormat {
  return format === 'json' || format === 'yaml'
}

/** Prints what was answered, whole. */
export async function printData(
  terminal: Terminal,
  format: DataFormat,
  value: unknown,
): Promise<void> {
  const write = format === 'yaml' ? (await import('./yaml-output.ts')).formatYaml : formatJson
  terminal.out(write(value))
}
