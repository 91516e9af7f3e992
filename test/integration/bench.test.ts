import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findEngineBinary } from '../support/render-engine.ts'

const program = fileURLToPath(new URL('../bench/main.ts', import.meta.url))
const clusters = 5

interface Printed {
  readonly name: string
  readonly fidelity: string
  readonly params: Record<string, unknown>
  readonly machine: Record<string, unknown>
  readonly calibration: Record<string, number | null>
  readonly runs: readonly Record<string, number>[]
  readonly metrics: Record<string, number>
}

describe('npm run bench -- propagation', () => {
  it('prints every figure of the contract, for one render and a signature a cluster', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, 'propagation', '--clusters', String(clusters), '--runs', '1', '--json'],
      {
        env: { ...process.env, GROUNDSWELL_ENGINE: await findEngineBinary() },
        timeout: 110_000,
        killSignal: 'SIGTERM',
      },
    )
    const printed = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Printed
    assert.equal(printed.name, 'propagation')
    assert.equal(printed.fidelity, 'B')
    assert.equal(printed.params['clusters'], clusters)
    assert.equal(printed.runs.length, 1)
    const { metrics } = printed
    for (const field of [
      ...['last_ms', 'p50_ms', 'p99_ms', 'renders', 'signatures', 'bytes_out'],
      'hub_cpu_us_per_agent',
    ]) {
      assert.equal(typeof metrics[field], 'number', field)
    }
    // Counts, not times: the same on every machine.
    assert.equal(metrics['renders'], 1)
    assert.equal(metrics['signatures'], clusters)
    assert.equal(metrics['verified'], clusters)
    assert.ok(metrics['bytes_out']! > 1_000 * clusters, 'content came over the sockets')
    assert.ok(metrics['bytes_out']! < 8_000 * clusters, 'what did not change did not travel')
    const unmeasured = Object.entries(printed.calibration).filter(([, value]) => value === null)
    assert.deepEqual(
      unmeasured.map(([figure]) => figure),
      ['etcd_put_per_s'],
    )
  })
})
