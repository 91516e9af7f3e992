import { benchmarks } from './benchmarks.ts'
import { type Calibration, calibrate, noCalibration } from './calibrate.ts'
import { checkContract } from './contract.ts'
import { describeMachine } from './machine.ts'
import { type BenchOptions, parseOptions, usage } from './options.ts'
import { type BenchResult, mediansOf, spreadOf } from './result.ts'
import { formatTable } from './table.ts'

/* `npm run bench -- NAME`: measures, says how it goes on stderr, prints the result on stdout. */

const say = (text: string): void => {
  process.stderr.write(`bench: ${text}\n`)
}

async function runBenchmark(options: BenchOptions, calibration: Calibration): Promise<BenchResult> {
  const benchmark = benchmarks[options.name]
  const runs = await benchmark.measure(options, say)
  const metrics = mediansOf(runs)
  checkContract(options.name, metrics)
  return {
    name: options.name,
    fidelity: benchmark.fidelity ?? options.fidelity,
    params: benchmark.params(options),
    machine: describeMachine(),
    calibration,
    runs,
    metrics,
    spread: spreadOf(runs),
  }
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (!options) {
    process.stdout.write(usage)
    return
  }
  if (options.calibrate) say('calibrating this machine')
  const calibration = options.calibrate ? await calibrate() : noCalibration
  const result = await runBenchmark(options, calibration)
  const text = options.json
    ? `${JSON.stringify(result)}\n`
    : formatTable(result, benchmarks[options.name].goals)
  process.stdout.write(text)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
