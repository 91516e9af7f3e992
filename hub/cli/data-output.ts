import { Option } from 'commander'
import { formatJson } from './output.ts'
import type { Terminal } from './terminal.ts'

/** What programs read, beside what people do. */
export type DataFormat = 'json' | 'yaml'

export function isData(format: string): format is DataFormat {
  return format === 'json' || format === 'yaml'
}

/** `-o`: how people read it, which is what is printed when left out, or one of what programs do. */
export function outputOption(shown: 'text' | 'table'): Option {
  return new Option('-o, --output <format>').choices([shown, 'json', 'yaml']).default(shown)
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
