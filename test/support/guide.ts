import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheDir } from '../../deploy/setup/paths.mjs'

/* Guides are tried by running what they print: the fenced `sh` blocks, as they stand. */

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The blocks below each heading of a guide, in order. */
export async function readGuide(path: string): Promise<Map<string, readonly string[]>> {
  const text = await readFile(join(root, path), 'utf8')
  const sections = text.split(/^## /m).slice(1)
  return new Map(
    sections.map((section) => [
      section.slice(0, section.indexOf('\n')).trim(),
      [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, commands]) => commands!),
    ]),
  )
}

/** A directory to put first in PATH: `swell` as it is in the sources. */
export async function installSwell(directory: string): Promise<string> {
  const bin = join(directory, 'bin')
  await mkdir(bin, { recursive: true })
  const program = join(root, 'hub/cli/main.ts')
  const script = `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`
  await writeFile(join(bin, 'swell'), script)
  await chmod(join(bin, 'swell'), 0o755)
  return bin
}

/** Runs commands in bash, which ends at the first that fails. @throws Error with what was said */
export async function runCommands(
  commands: string,
  { cwd, bin, env }: { cwd: string; bin: string; env: Readonly<Record<string, string>> },
): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd,
    timeout: 120_000,
    env: {
      ...env,
      // What V8 made of `swell` is kept between commands.
      NODE_COMPILE_CACHE: join(cacheDir(), 'compiled'),
      HOME: cwd,
      PATH: [bin, process.env['PATH']].join(delimiter),
    },
  }).catch((error: Error & { stdout?: string; stderr?: string }) => {
    throw new Error(`${commands}\n${error.stdout}\n${error.stderr}`, { cause: error })
  })
  return stdout
}
