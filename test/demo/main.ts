import { readFile, readdir } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { createTempDir } from '../support/temp-dir.ts'
import { writeGuide } from './guide.ts'
import { type DemoOptions, parseOptions, usage } from './options.ts'
import { say } from './progress.ts'
import { type DemoReport, type StepReport, runStep } from './report.ts'
import { type Stack, startStack } from './stack.ts'
import { formatTaken, parseTaken } from './taken.ts'
import { describeArrival } from './steps/arrival.ts'
import { releaseBadChange } from './steps/bad-change.ts'
import { driftByHand } from './steps/drift.ts'
import { walkFirstRollout } from './steps/first-rollout.ts'
import { releaseGoodChange } from './steps/good-change.ts'
import { revertBadChange } from './steps/revert.ts'

/* `npm run demo [-- --once] [-- --context NAME]`: a whole fleet on this machine. Starts everything, walks
   a first rollout, then waits for Ctrl-C; with --once it goes on through every step, and ends. */

const firstSteps = [
  ['first rollout', 'three applications to the canary, then to production', walkFirstRollout],
] as const

const onceSteps = [
  ['good change', 'a release of one application', releaseGoodChange],
  ['bad change', 'a release whose pods never get ready', releaseBadChange],
  ['revert', 'git revert of the bad release', revertBadChange],
  ['drift', 'a ConfigMap changed by hand', driftByHand],
] as const

const stopping = new AbortController()

/** Waits for a signal's number; listens until the process ends, so that none is fatal half-way. */
const interrupted = new Promise<number>((resolve) => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      stopping.abort()
      resolve(constants.signals[name])
    })
  }
})

async function runDemo(
  { once, contexts }: DemoOptions,
  directory: string,
  stops: AsyncDisposableStack,
): Promise<StepReport[]> {
  const { signal } = stopping
  let stack: Stack | undefined
  const start = async () => {
    stack = await startStack(directory, contexts, stops)
    return describeArrival(stack)
  }
  const says = 'Redis, clusters, Git server, hub and agents: some 20 s'
  const reports = [await runStep('start', says, start, signal)]
  for (const [name, says, run] of once ? [...firstSteps, ...onceSteps] : firstSteps) {
    const started = stack
    if (started === undefined || !reports.at(-1)!.ok) break
    reports.push(await runStep(name, says, () => run(started), signal))
  }
  if (signal.aborted) return reports
  if (!reports.at(-1)!.ok) await tellLogs(directory)
  else {
    const parts = reports.map(({ step, ms }) => ({ what: step, ms }))
    say(formatTaken([...parseTaken(process.env['GROUNDSWELL_SETUP_TOOK']), ...parts]))
    if (!once && stack) process.stderr.write(await writeGuide(stack))
  }
  return reports
}

/** What hub and agents said last, for whoever has to find out why. */
async function tellLogs(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => /^(hub|agent-.*)\.log$/.test(name))
  for (const name of names) {
    const lines = (await readFile(join(directory, name), 'utf8')).trimEnd().split('\n')
    const telling = lines.filter(
      (line) => !/"msg":"(incoming request|request completed)"/.test(line),
    )
    process.stderr.write(`\n--- end of ${name} ---\n${telling.slice(-25).join('\n')}\n`)
  }
}

/** Only what we start has a say: a Redis or a hub that the environment names is not for the demo. */
function cleanEnvironment(directory: string): void {
  delete process.env['REDIS_URL']
  for (const name of Object.keys(process.env)) {
    if (/^GROUNDSWELL_(HUB|AGENT)_/.test(name)) delete process.env[name]
  }
  // Whatever anything makes goes into our own directory, and away with it.
  process.env['TMPDIR'] = directory
}

async function main(options: DemoOptions): Promise<number> {
  const start = performance.now()
  const home = await createTempDir('demo')
  cleanEnvironment(home.path)
  const stops = new AsyncDisposableStack()
  stops.use(home)
  say(`everything of this run is in ${home.path}`)
  const work = runDemo(options, home.path, stops)
  // A start in hand when the signal comes fails as its parts go; nobody waits for it any more.
  work.catch(() => undefined)
  const first = await Promise.race([work, interrupted])
  const ok = typeof first !== 'number' && first.every((report) => report.ok)
  const signal = typeof first === 'number' ? first : !options.once && ok ? await interrupted : 0
  say('stopping')
  await stops.disposeAsync()
  say('stopped')
  if (options.once && typeof first !== 'number') {
    const ms = Math.round(performance.now() - start)
    const report: DemoReport = { ok, directory: home.path, ms, steps: first }
    process.stdout.write(`${JSON.stringify(report)}\n`)
  }
  if (ok) return 0
  return signal === 0 ? 1 : 128 + signal
}

let exitCode = 2
try {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) process.stdout.write(usage)
  exitCode = options.help ? 0 : await main(options)
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
}
// What was half started is still referenced; it ends with us.
process.exit(exitCode)
