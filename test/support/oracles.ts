import { execFile } from 'node:child_process'
import { oraclePaths } from '../../deploy/setup/paths.mjs'
import { setUpOracles } from '../../deploy/setup/oracles.mjs'

/** The official programs, run once each: what they print, or why they fail. */
export type Printed = { readonly text: string } | { readonly error: string }

const environment = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', HELM_DEBUG: 'false' }
const most = 256 * 1024 * 1024

/** Runs one; `input` goes to its standard input. */
export function runOracle(
  program: keyof ReturnType<typeof oraclePaths>,
  args: readonly string[],
  input = '',
): Promise<Printed> {
  return new Promise((resolve) => {
    const child = execFile(
      oraclePaths()[program],
      [...args],
      { env: environment, maxBuffer: most, timeout: 60_000 },
      (error, stdout, stderr) => {
        resolve(error ? { error: stderr.trim() || error.message } : { text: stdout })
      },
    )
    child.stdin?.on('error', () => undefined).end(input)
  })
}

/** Builds them when set-up has not. */
export const prepareOracles = setUpOracles
