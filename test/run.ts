import { spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fileDeadline } from './file-deadline.ts'
import { type Check, type Step, type TestFolder, steps } from './steps.ts'

/* `npm test [-- STEP [FILTER]]`: lint, types, unit, integration, e2e, in this order, all of them
   even when one fails. The last line counts; the exit code is not 0 when anything failed. */

interface Count {
  readonly passed: number
  readonly failed: number
}

const root = fileURLToPath(new URL('..', import.meta.url))
let current: ReturnType<typeof spawn> | undefined
let stopping = false

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopping = true
    current?.kill('SIGTERM')
  })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Runs a command; its output is shown as it comes and given back. */
async function runCommand(
  command: string,
  args: readonly string[],
  {
    cwd = root,
    env = {},
  }: { cwd?: string | undefined; env?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly ok: boolean; readonly output: string }> {
  if (stopping) return { ok: false, output: '' }
  const child = spawn(command, args, {
    ...{ cwd, env: { ...process.env, ...env } },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  current = child
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    process.stdout.write(text)
  })
  const ok = await new Promise<boolean>((resolve) => {
    child.once('error', (error) => {
      print(`${command}: ${error.message}`)
      resolve(false)
    })
    child.once('close', (code) => resolve(code === 0))
  })
  return { ok, output }
}

async function runCheck({ title, command, args, cwd, quiet = false }: Check): Promise<Count> {
  print(`- ${title}`)
  const { ok, output } = await runCommand(command, args, { cwd })
  const passed = ok && !(quiet && output.trim() !== '')
  if (!passed) print(`  FAILED: ${title}`)
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1 }
}

async function runTests(folder: TestFolder, filter: string): Promise<Count> {
  const { path, concurrency, timeoutMs, mayBeMissing = false } = folder
  if (mayBeMissing && !existsSync(`${root}/${path}`)) {
    print(`${path} does not exist yet: nothing to run`)
    return { passed: 0, failed: 0 }
  }
  const files = globSync(`${path}/**/*.test.ts`, { cwd: root })
    .filter((file) => file.includes(filter))
    .sort()
  if (files.length === 0) {
    print(`no test files in ${path}${filter && ` with "${filter}" in their name`}`)
    return { passed: 0, failed: 1 }
  }
  const args = [
    `--import=${new URL('file-deadline.ts', import.meta.url).href}`,
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${timeoutMs}`,
    ...files,
  ]
  const env = { [fileDeadline]: String(2 * timeoutMs) }
  const { ok, output } = await runCommand(process.execPath, args, { env })
  const readCount = (word: string) =>
    Number(new RegExp(`^ℹ ${word} (\\d+)$`, 'm').exec(output)?.[1] ?? 0)
  const failed = readCount('fail') + readCount('cancelled')
  // A runner that broke before it could count has failed too.
  return { passed: readCount('pass'), failed: ok || failed > 0 ? failed : 1 }
}

async function runStep(step: Step, filter: string): Promise<Count> {
  print(`\n=== ${step.name}: ${step.title} ===`)
  const start = performance.now()
  const counts: Count[] = []
  for (const check of step.checks ?? []) counts.push(await runCheck(check))
  if (step.tests) counts.push(await runTests(step.tests, filter))
  const count = addCounts(counts)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  print(`=== ${step.name}: ${formatCount(count)} in ${seconds} s ===`)
  return count
}

function addCounts(counts: readonly Count[]): Count {
  return {
    passed: counts.reduce((sum, { passed }) => sum + passed, 0),
    failed: counts.reduce((sum, { failed }) => sum + failed, 0),
  }
}

function formatCount({ passed, failed }: Count): string {
  return `${passed} passed, ${failed} failed`
}

const [wanted, filter = ''] = process.argv.slice(2)
const chosen = steps.filter(({ name }) => wanted === undefined || name === wanted)
if (chosen.length === 0) {
  print(`no step named ${wanted}; there are ${steps.map(({ name }) => name).join(', ')}`)
  process.exitCode = 2
} else {
  const counts: Count[] = []
  for (const step of chosen) if (!stopping) counts.push(await runStep(step, filter))
  const total = addCounts(counts)
  if (stopping) print('stopped by a signal')
  print(`\n${formatCount(total)}`)
  process.exitCode = total.failed > 0 || stopping ? 1 : 0
}
