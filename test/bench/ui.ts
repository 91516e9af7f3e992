import { fileURLToPath } from 'node:url'
import { readDashboard } from '../../hub/api/dashboard-files.ts'
import { startApi } from '../support/api.ts'
import { startBrowser, type TestBrowser } from '../support/browser.ts'
import { widenFleet } from '../support/wide-fleet.ts'
import type { SizedOptions } from './options.ts'
import { type Figures, describeFigures } from './result.ts'

export const uiApplications = 50
const built = fileURLToPath(new URL('../../hub/dashboard/dist', import.meta.url))
const scrollMs = 3_000

export const uiGoals = [
  { metric: 'first_paint_ms', text: '≤ 1500 at 10000 clusters' },
  { metric: 'frames_per_s', text: '≥ 50' },
  { metric: 'update_ms', text: '≤ 500' },
  { metric: 'page_kb', text: '≤ 200' },
]

/**
 * What people wait for at the dashboard, in the real Chromium without a window or a GPU, over the real API
 * and a simulated fleet (the fake hub that its tests have; nothing of a hub's own work is in it).
 *
 * `first_paint_ms`: from a reload, signed in, to the first lines of the matrix. `frames_per_s`: painted
 * while the matrix is scrolled without a stop. `update_ms`: from an event at the hub to the changed cell
 * on the page. `page_kb`: all files, as they travel.
 */
export async function measureUi(
  { clusters, runs }: SizedOptions,
  say: (text: string) => void,
): Promise<Figures[]> {
  const dashboard = await readDashboard(built)
  if (!dashboard) throw new Error('the dashboard is not built: npm run dashboard')
  const bytes = [...dashboard.values()].reduce((sum, { brotli }) => sum + brotli.byteLength, 0)
  await using test = await startApi(10_000, 30_000, dashboard)
  widenFleet(test.hub, { clusters, applications: uiApplications })
  const url = await test.api.listen({ host: '127.0.0.1', port: 0 })
  await using browser = await startBrowser()
  const { page } = await browser.visit(url, 'viewer')
  await page.getByText(`${clusters} clusters · ${uiApplications} applications`).waitFor()
  const results: Figures[] = []
  // The first run warms the browser's own caches.
  for (let run = 0; run <= runs; run++) {
    await page.reload({ waitUntil: 'commit' })
    await page.locator('.grid-line').first().waitFor()
    const first_paint_ms = Math.round(await page.evaluate(() => performance.now()))
    await page.getByText('live', { exact: true }).waitFor()
    const update_ms = await timeUpdate(page, test, run)
    const figures = {
      first_paint_ms,
      frames_per_s: await countFrames(page),
      update_ms,
      page_kb: Math.round(bytes / 102.4) / 10,
    }
    say(`run ${run}: ${describeFigures(figures)}`)
    if (run > 0) results.push(figures)
  }
  return results
}

type Page = Awaited<ReturnType<TestBrowser['visit']>>['page']

/** One cluster loses or gets its applications: its first cell changes. */
async function timeUpdate(
  page: Page,
  { hub }: Awaited<ReturnType<typeof startApi>>,
  run: number,
): Promise<number> {
  const cluster = hub.view.clusters[0]!
  const { applications } = hub.view.clusters.at(-1)!
  const seen = page.evaluate<number>(`new Promise((resolve) => {
    const options = { subtree: true, childList: true, characterData: true, attributes: true }
    const line = document.querySelector('.grid-line')
    new MutationObserver(() => resolve(Date.now())).observe(line, options)
  })`)
  hub.view.clusters[0] = { ...cluster, applications: run % 2 === 0 ? [] : applications }
  const at = Date.now()
  hub.emit({ type: 'health.changed', message: 'changed', subject: `cluster/${cluster.name}` })
  return (await seen) - at
}

async function countFrames(page: Page): Promise<number> {
  const frames = await page.evaluate<number>(`new Promise((resolve) => {
    const grid = document.querySelector('.grid')
    const start = performance.now()
    let painted = 0
    const next = (now) => {
      if (now - start >= ${scrollMs}) return resolve((painted * 1000) / (now - start))
      painted += 1
      grid.scrollTop = (grid.scrollTop + 60) % grid.scrollHeight
      requestAnimationFrame(next)
    }
    requestAnimationFrame(next)
  })`)
  return Math.round(frames * 10) / 10
}
