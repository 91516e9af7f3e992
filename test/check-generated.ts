import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/* Generates proto/gen anew, elsewhere, and says which files of it are not what buf makes now. */

const proto = fileURLToPath(new URL('../proto', import.meta.url))
const fresh = mkdtempSync(join(tmpdir(), 'groundswell-gen-'))
try {
  execFileSync('buf', ['generate', '--output', fresh], { cwd: proto, stdio: 'inherit' })
  const files = new Set([proto, fresh].flatMap((cwd) => globSync('gen/**/*.ts', { cwd })))
  const stale = [...files].filter((path) => read(proto, path) !== read(fresh, path))
  for (const path of stale) {
    process.stderr.write(`proto/${path} is not what buf makes: run \`npm run generate\`\n`)
  }
  process.exitCode = stale.length > 0 || files.size === 0 ? 1 : 0
} finally {
  rmSync(fresh, { recursive: true })
}

function read(directory: string, path: string): string | undefined {
  try {
    return readFileSync(join(directory, path), 'utf8')
  } catch {
    return undefined
  }
}
