import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { createOtlpExporter } from '@groundswell/proto/otlp/http.ts'
import { rootSpanIdOf, traceIdOf } from '@groundswell/proto/trace.ts'
import { waitForRollout } from '../support/api-client.ts'
import { applicationFiles, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { type MemoryAgent, startMemoryAgent } from '../support/memory-agent.ts'
import { until } from '../support/until.ts'

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: string }
}
interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly Attribute[]
  readonly status: { readonly code: number }
}
interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[]
  }[]
}

const find = (attributes: readonly Attribute[], key: string): string | undefined => {
  const value = attributes.find((one) => one.key === key)?.value
  return value?.stringValue ?? value?.intValue
}

/** A collector that keeps what it gets. */
async function startCollector() {
  const spans: (OtlpSpan & { readonly service: string })[] = []
  const server = createServer((request, response) => {
    void (async () => {
      assert.equal(`${request.method} ${request.url}`, 'POST /v1/traces')
      assert.equal(request.headers['content-type'], 'application/json')
      for (const { resource, scopeSpans } of ((await json(request)) as Exported).resourceSpans) {
        const service = find(resource.attributes, 'service.name') ?? ''
        for (const one of scopeSpans) {
          for (const span of one.spans) spans.push({ ...span, service })
        }
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    spans,
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const stages = ['push', 'fetch', 'render', 'sign', 'deliver', 'verify', 'apply', 'report']

describe('the way of a commit', () => {
  let world: Awaited<ReturnType<typeof createSurroundings>>
  let collector: Awaited<ReturnType<typeof startCollector>>
  let hub: HubProcess
  let agent: MemoryAgent
  let exporter: ReturnType<typeof createOtlpExporter>
  before(async () => {
    collector = await startCollector()
    world = await createSurroundings()
    await world.repository.commit({ ...strategyFile('0s'), ...applicationFiles('web', 'text 0') })
    hub = await world.start({ args: ['--otlp', collector.url] })
    await untilReady(hub)
    exporter = createOtlpExporter({
      ...{ service: 'groundswell-agent', version: 'test', url: collector.url },
      ...{ fleet: 'groundswell', cluster: 'a', log: () => {} },
    })
    agent = await startMemoryAgent(hub, 'a', { record: exporter.record })
    await waitForRollout(hub.api, 'web', 'Succeeded')
  })
  after(async () => {
    await agent?.[Symbol.asyncDispose]()
    await exporter?.[Symbol.asyncDispose]()
    await world?.[Symbol.asyncDispose]()
    collector?.[Symbol.dispose]()
  })

  it('is one trace across hub and agent: each stage once, in order, below the push', async () => {
    const commit = await world.repository.commit(applicationFiles('web', 'text 1'))
    const revision = `main@sha1:${commit}`
    const traceId = traceIdOf('groundswell', revision)
    const mine = () => collector.spans.filter((span) => span.traceId === traceId)
    await until(() => stages.every((stage) => mine().some(({ name }) => name === stage)), {
      deadlineMs: 30_000,
      what: 'all stages to be told',
    }).catch((error: Error) => {
      throw new Error(
        `${error.message}; there were ${mine()
          .map(({ name }) => name)
          .join()}`,
      )
    })
    assert.deepEqual(
      mine()
        .map(({ name }) => name)
        .toSorted(),
      stages.toSorted(),
    )
    const byStage = new Map(mine().map((span) => [span.name, span]))
    const root = rootSpanIdOf('groundswell', revision)
    for (const [stage, span] of byStage) {
      assert.equal(find(span.attributes, 'groundswell.revision'), revision)
      assert.equal(span.status.code, 1, stage)
      assert.equal(span.parentSpanId, stage === 'push' ? undefined : root)
      assert.ok(BigInt(span.startTimeUnixNano) <= BigInt(span.endTimeUnixNano), stage)
      const byAgent = ['verify', 'apply', 'report'].includes(stage)
      assert.equal(span.service, byAgent ? 'groundswell-agent' : 'groundswell-hub', stage)
    }
    assert.equal(byStage.get('push')!.spanId, root)
    assert.equal(new Set(mine().map(({ spanId }) => spanId)).size, stages.length)
    const starts = stages
      .filter((stage) => stage !== 'deliver')
      .map((stage) => BigInt(byStage.get(stage)!.startTimeUnixNano))
    assert.deepEqual(
      starts,
      starts.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
    )
    assert.equal(find(byStage.get('sign')!.attributes, 'groundswell.cluster'), 'a')
  })

  it('costs nothing but the trace when the collector is away', async () => {
    collector[Symbol.dispose]()
    await world.repository.commit(applicationFiles('web', 'text 2'))
    await until(
      () =>
        (agent.cluster.read('/ConfigMap/web/settings')?.['data'] as { text?: string } | undefined)
          ?.text === 'text 2',
      { deadlineMs: 30_000, what: 'the next commit to arrive' },
    )
    await until(() => hub.process().readLog().includes('the collector of traces is away'), {
      deadlineMs: 10_000,
      what: 'the hub to say that the collector is away',
    })
  })
})
