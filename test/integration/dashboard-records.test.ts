import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readDashboard } from '../../hub/api/dashboard-files.ts'
import { describeGap } from '../../hub/status/event.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { startBrowser, type TestBrowser } from '../support/browser.ts'
import { fakeNow, makeRecord } from '../support/fake-rollout.ts'
import { skipEvents } from '../support/skip-events.ts'
import { until } from '../support/until.ts'

const soon = { deadlineMs: 10_000 }
const built = fileURLToPath(new URL('../../hub/dashboard/dist', import.meta.url))

describe('the pages of the dashboard about what runs, and what was signed and took how long', () => {
  let browser: TestBrowser
  before(async () => {
    browser = await startBrowser()
  })
  after(() => browser[Symbol.asyncDispose]())

  async function serve(): Promise<TestApi & { readonly url: string }> {
    const test = await startApi(10_000, 30_000, await readDashboard(built))
    return { ...test, url: await test.api.listen({ host: '127.0.0.1', port: 0 }) }
  }

  it('keep a rollout that is stuck in sight, however many newer ones are over', async () => {
    await using hub = await serve()
    const over = Array.from({ length: 130 }, (_, at) => {
      const record = makeRecord(`r-over-${at}`, 'Succeeded')
      return { ...record, run: { ...record.run, finishedAt: record.plan.createdAt } }
    })
    hub.hub.records.push(...over)
    const { page } = await browser.visit(`${hub.url}/ui/rollouts`, 'operator')
    const underWay = page.getByRole('region', { name: 'Under way' })
    await underWay.getByRole('link', { name: 'Progressing' }).click()
    await page.getByRole('button', { name: 'Abort' }).click()
    const revision = hub.hub.records[0]!.plan.revision.split(':').at(-1)!
    await page.getByRole('heading', { name: `Abort: shop at ${revision.slice(0, 10)}?` }).waitFor()
    await page.keyboard.press('Escape')
    await page.goBack()
    const rows = page.getByRole('region', { name: 'Over' }).getByRole('row')
    await until(async () => (await rows.count()) === 101, { ...soon, what: 'the first page' })
    await page.getByRole('button', { name: 'More' }).click()
    await until(async () => (await rows.count()) === 131, { ...soon, what: 'the next page' })
  })

  it('tell which images run where, how long rollouts took, and what it is made of, a page at a time', async () => {
    await using hub = await serve()
    const [done] = hub.hub.records
    for (const minutes of [3, 5]) {
      const { plan, run } = done!
      const startedAt = fakeNow
      hub.hub.records.push({
        plan: { ...plan, id: `r-${minutes}` },
        run: {
          ...run,
          id: `r-${minutes}`,
          phase: 'Succeeded',
          startedAt,
          finishedAt: startedAt + minutes * 60_000,
        },
        waitingFor: [],
      })
    }
    const wide = await hub.hub.manifest('edge-1', 'shop')
    const [settings] = wide!.manifest.objects
    const objects = Array.from({ length: 120 }, (_, at) => ({
      ...settings!,
      id: `/ConfigMap/shop/c-${String(at).padStart(3, '0')}`,
    }))
    hub.hub.manifest = async () => ({ ...wide!, manifest: { ...wide!.manifest, objects } })
    const { page, complaints } = await browser.visit(`${hub.url}/ui/applications/shop`, 'viewer')
    const image = await page.getByRole('row', { name: /shop\/web v2/ }).innerText()
    assert.match(image, /example\.org\/shop\/web\s+v2\s+3\s+1\s+1/)
    await page.getByRole('img', { name: 'Oldest first: 3 min, 5 min' }).locator('canvas').waitFor()
    const tree = page.getByRole('region', { name: 'Objects of shop on edge-1' })
    const kind = tree.getByText('ConfigMap', { exact: false }).first()
    await kind.click()
    await tree.getByText('ConfigMap shop/c-049').waitFor()
    assert.equal(await tree.getByText('ConfigMap shop/c-050').count(), 0)
    await tree.getByRole('button', { name: 'More' }).click()
    await tree.getByText('ConfigMap shop/c-099').waitFor()
    await tree.getByRole('button', { name: 'More' }).click()
    await tree.getByText('ConfigMap shop/c-119').waitFor()
    assert.equal(await tree.getByRole('button', { name: 'More' }).count(), 0)
    await page.getByLabel('Objects on').selectOption('lab')
    await page.getByRole('region', { name: 'Objects of shop on lab' }).waitFor()
    assert.equal(new URL(page.url()).search, '?cluster=lab')
    assert.deepEqual(complaints, [])
  })

  it('tell what a cluster’s agent signed, and what came of each object', async () => {
    await using hub = await serve()
    const { page } = await browser.visit(`${hub.url}/ui/clusters/edge-1`, 'viewer')
    await page.getByRole('heading', { name: 'Receipts' }).waitFor()
    await page.getByRole('button', { name: 'What came of each object of shop' }).first().click()
    const details = page.getByRole('region', { name: /^Receipt / })
    await details.getByText('/ConfigMap/shop/settings').waitFor()
    await details.getByText(/sequence 3 of epoch 1/).waitFor()
    // Of the oldest only the signature is left, and it says so.
    await page.getByRole('button', { name: 'What came of each object of shop' }).last().click()
    await details.getByText('What came of each object is not kept by this hub').waitFor()
  })

  it('count down what soaks, and tell when a rollout will be done and who approved', async () => {
    await using hub = await serve()
    const { plan, run } = hub.hub.records[0]!
    const now = Date.now()
    const second = { ...plan.waves[1]!, soak: 300_000 }
    const approval = { wave: 1, gate: 'before', actor: 'grace', at: now, reason: '' } as const
    hub.hub.records[0] = {
      plan: { ...plan, waves: [plan.waves[0]!, second] },
      run: {
        ...{ ...run, waveStartedAt: now - 1_000, approvals: [approval] },
        clusters: {
          ...run.clusters,
          'edge-1': { state: 'Soaking', generation: 2, offeredAt: now, healthySince: now - 60_000 },
        },
      },
      waitingFor: [
        `cluster edge-1 is healthy and soaks until ${new Date(now + 240_000).toISOString()}`,
      ],
      eta: { typical: now + 600_000, longest: now + 1_200_000, uncounted: ['people'] },
    }
    const { page } = await browser.visit(`${hub.url}/ui/rollouts/r-1`, 'viewer')
    const wave = page.getByRole('region', { name: 'Wave prod' })
    const soak = wave.locator('.soak time').first()
    await soak.waitFor()
    const before = await soak.innerText()
    assert.match(before, /\(in 3 min \d+ s\)$/)
    await until(async () => (await soak.innerText()) !== before, {
      deadlineMs: 10_000,
      what: 'it to count down',
    })
    await wave.getByText('Passed by grace').waitFor()
    const eta = await page.getByRole('timer').innerText()
    assert.match(
      eta,
      /Done about .* \(in 9 min \d+ s\), .* \(in 19 min \d+ s\) at the latest; not counting people/,
    )
  })

  it('are read anew where events are gone that would have told of them', async () => {
    await using hub = await serve()
    const events = skipEvents(hub.hub)
    const { page } = await browser.visit(`${hub.url}/ui/clusters`, 'viewer')
    const rowOf = (name: string) => page.getByRole('link', { name })
    await rowOf('edge-1').waitFor()
    await until(() => hub.hub.subscribers === 1, { ...soon, what: 'the page to listen' })
    // What the page reads at the beginning of the stream is behind it once an event was heeded.
    const clusters = hub.hub.view.clusters.splice(0, 1)
    hub.hub.emit({ type: 'cluster.enrolled', message: '', subject: 'cluster/edge-1' })
    await rowOf('edge-1').waitFor({ state: 'detached' })
    hub.hub.view.clusters.push(...clusters)
    events.skip(describeGap('1', '3'))
    await rowOf('edge-1').waitFor()
  })
})
