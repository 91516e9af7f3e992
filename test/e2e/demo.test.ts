import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type TestContext, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { enginePath } from '../../deploy/setup/paths.mjs'
import type { DemoReport } from '../demo/report.ts'
import { listProcessesOf } from '../support/processes-of.ts'
import { until } from '../support/until.ts'

const program = fileURLToPath(new URL('../demo/main.ts', import.meta.url))

interface Demo {
  readonly child: ChildProcess
  readonly ended: Promise<number | null>
  stdout(): string
  stderr(): string
}

function startDemo(context: TestContext, args: readonly string[]): Demo {
  const env = { ...process.env, GROUNDSWELL_ENGINE: enginePath() }
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  })
  // What it started goes with it, however it ends.
  context.after(() => child.kill('SIGKILL'))
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, ended, stdout: () => texts.stdout, stderr: () => texts.stderr }
}

async function assertNothingLeft(directory: string): Promise<void> {
  // The watchdog of what was half started is a moment behind.
  await until(
    async () => {
      const left = await listProcessesOf(directory)
      if (left.length > 0) throw new Error(left.join('\n'))
      return !existsSync(directory)
    },
    { deadlineMs: 5_000, what: `nothing to be left of ${directory}` },
  )
}

function directoryOf(demo: Demo): string {
  const [, directory] = /everything of this run is in (\S+)/.exec(demo.stderr()) ?? []
  assert.ok(directory, demo.stderr())
  return directory
}

/** Only what steps are asserted on; each step's own file says what else is in it. */
type Seen = Readonly<Record<string, Record<string, unknown>>>

describe('npm run demo', () => {
  it('--once: walks every step, proves each, and leaves nothing', async (context) => {
    const demo = startDemo(context, ['--once'])
    assert.equal(await demo.ended, 0, demo.stderr())
    const lines = demo.stdout().trimEnd().split('\n')
    assert.equal(lines.length, 1, 'stdout is for the report alone')
    const report = JSON.parse(lines[0]!) as DemoReport
    assert.equal(report.ok, true)
    assert.match(
      demo.stderr(),
      /ready after \d+\.\d s: (?:[^,]+ s, )*start \d+\.\d s, first rollout /,
    )
    const steps = new Map(report.steps.map((step) => [step.step, step]))
    assert.deepEqual(
      [...steps.keys()],
      ['start', 'first rollout', 'good change', 'bad change', 'revert', 'drift'],
    )
    const seenIn = (step: string) => steps.get(step)?.seen as Seen
    const textIn = (step: string, member: string) =>
      (seenIn(step) as unknown as Readonly<Record<string, string>>)[member]!
    for (const step of report.steps) assert.ok(step.ok && step.ms > 0, step.step)

    assert.deepEqual(Object.keys(seenIn('start')['clusters']!), ['lab', 'paris', 'oregon'])
    const first = seenIn('first rollout')['applications'] as Record<
      string,
      { canaryDoneAt: string; productionOfferedAt: string[] }
    >
    assert.deepEqual(Object.keys(first), ['notice', 'storefront', 'greeter'])
    for (const { canaryDoneAt, productionOfferedAt } of Object.values(first)) {
      assert.equal(productionOfferedAt.length, 2)
      for (const offeredAt of productionOfferedAt) assert.ok(offeredAt >= canaryDoneAt)
    }
    for (const step of ['good change', 'bad change', 'revert']) {
      for (const [cluster, seen] of Object.entries(seenIn(step)['clusters']!)) {
        const { image, ready } = seen as { image: string; ready: string }
        assert.match(image, /:6\.7\.1$/, `${step}: ${cluster}`)
        assert.match(ready, /^([13])\/\1$/, `${step}: ${cluster}`)
      }
    }
    const bad = seenIn('bad change')
    assert.deepEqual(bad['outcomes'], { lab: 'Failed', paris: 'Skipped', oregon: 'Skipped' })
    assert.deepEqual(bad['offered'], ['lab'])
    assert.equal(bad['hold']!['revision'], `main@sha1:${textIn('bad change', 'commit')}`)
    assert.match(textIn('drift', 'detected'), /notice drifted \/data\/message by \S+$/)

    assert.equal(report.directory, directoryOf(demo))
    await assertNothingLeft(report.directory)
  })

  for (const [moment, words] of [
    ['while its clusters start', 'a node that kwok plays'],
    ['once it waits', 'Groundswell runs.'],
  ] as const) {
    it(`SIGINT ${moment}: ends within seconds and leaves nothing`, async (context) => {
      const demo = startDemo(context, [])
      await until(() => demo.stderr().includes(words), {
        deadlineMs: 240_000,
        what: `the demo to say ${words}`,
      })
      const asked = performance.now()
      demo.child.kill('SIGINT')
      const code = await demo.ended
      assert.ok(performance.now() - asked < 10_000, 'took 10 s to stop')
      assert.equal(code, words === 'Groundswell runs.' ? 0 : 130, demo.stderr())
      assert.equal(demo.stdout(), '')
      assert.doesNotMatch(demo.stderr(), /FAILED/)
      await assertNothingLeft(directoryOf(demo))
    })
  }

  it('refuses words it does not know, before it starts anything', async (context) => {
    const demo = startDemo(context, ['--onec'])
    assert.equal(await demo.ended, 2)
    assert.match(demo.stderr(), /--onec/)
    assert.doesNotMatch(demo.stderr(), /everything of this run/)
  })
})
