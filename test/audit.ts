import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type LockFile, findOutdated, judgeAudit } from './support/advisories.ts'

/* Fails for a dependency with a known advisory of level high: by `npm audit` where the registry
   answers it, and in any case by the floors that are kept here. `GROUNDSWELL_AUDIT=required` makes
   an unanswered question a failure too. */

const root = fileURLToPath(new URL('..', import.meta.url))
const deadlineMs = 60_000

async function askRegistry(): Promise<string> {
  const run = promisify(execFile)
  const options = { cwd: root, timeout: deadlineMs, maxBuffer: 32 * 1024 * 1024 }
  try {
    return (await run('npm', ['audit', '--json', '--audit-level=high'], options)).stdout
  } catch (error) {
    // It exits with 1 both for what it found and for what it could not ask.
    return (error as { stdout?: string }).stdout || JSON.stringify({ message: String(error) })
  }
}

const faults = findOutdated(
  JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')) as LockFile,
)
const verdict = judgeAudit(await askRegistry())
if (verdict.kind === 'vulnerable') faults.push(...verdict.lines)
if (verdict.kind === 'unanswered') {
  process.stdout.write(`  npm audit was not answered (${verdict.reason}); only floors were held\n`)
  if (process.env['GROUNDSWELL_AUDIT'] === 'required') faults.push('npm audit was not answered')
}
for (const fault of faults) process.stdout.write(`  ${fault}\n`)
process.exitCode = faults.length > 0 ? 1 : 0
