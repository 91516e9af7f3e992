import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { createCachedEngine, createMemoryRenderStore } from '../../../../hub/render/cache.ts'
import type { RenderEngine, RenderResult } from '../../../../hub/render/engine.ts'
import { renderInput } from '../../../support/render-input.ts'

const never = new AbortController().signal
const files = () => Promise.resolve(new Map<string, Uint8Array>())

function resultOf(json: string): RenderResult {
  const id = { group: '', kind: 'ConfigMap', namespace: '', name: 'a' }
  return { objects: [{ id, apiVersion: 'v1', json, file: '' }], warnings: [] }
}

/** An engine whose renders end when the test says so. */
function slowEngine() {
  const renders: { signal: AbortSignal; end: (outcome: RenderResult | Error) => void }[] = []
  const engine: RenderEngine = {
    version: 'v1',
    render: (_input, _files, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        renders.push({
          signal,
          end: (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)),
        })
      }),
    close: () => Promise.resolve(),
  }
  /** Lets everything go on that waits for nothing but its turn. */
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  return { engine, renders, settle }
}

test('callers at the same time share one render; later ones get what was kept', async () => {
  const { engine, renders, settle } = slowEngine()
  const cached = createCachedEngine(engine, createMemoryRenderStore(10_000))
  const first = cached.render(renderInput(), files, never)
  const second = cached.render(renderInput(), files, never)
  const other = cached.render(renderInput({ path: 'b' }), files, never)
  await settle()
  assert.equal(renders.length, 2)
  for (const { end } of renders) end(resultOf('{}'))
  assert.deepEqual(await first, await second)
  await other
  await cached.render(renderInput(), files, never)
  assert.equal(renders.length, 2)
})

test('a failure is not kept', async () => {
  const { engine, renders, settle } = slowEngine()
  const cached = createCachedEngine(engine, createMemoryRenderStore(10_000))
  const first = cached.render(renderInput(), files, never)
  await settle()
  renders[0]?.end(new Error('once'))
  await assert.rejects(first, /once/)
  const second = cached.render(renderInput(), files, never)
  await settle()
  renders[1]?.end(resultOf('{}'))
  assert.deepEqual(await second, resultOf('{}'))
})

test('one caller leaving does not end the render of another; the last one does', async () => {
  const { engine, renders, settle } = slowEngine()
  const cached = createCachedEngine(engine, createMemoryRenderStore(10_000))
  const [a, b] = [new AbortController(), new AbortController()]
  const first = cached.render(renderInput(), files, a.signal)
  const second = cached.render(renderInput(), files, b.signal)
  await settle()
  a.abort(new Error('a leaves'))
  await assert.rejects(first, /a leaves/)
  assert.equal(renders[0]?.signal.aborted, false)
  b.abort(new Error('b leaves'))
  await assert.rejects(second, /b leaves/)
  assert.equal(renders[0]?.signal.aborted, true)
  const third = cached.render(renderInput(), files, never)
  await settle()
  renders[1]?.end(resultOf('{}'))
  assert.deepEqual(await third, resultOf('{}'))
})

test('the memory store drops what was used least recently, and never takes what does not fit', async () => {
  const store = createMemoryRenderStore(1500)
  const [a, b, c, huge] = ['a', 'b', 'c', 'huge'].map(digestOf) as [Digest, Digest, Digest, Digest]
  await store.put(a, resultOf('x'.repeat(200)))
  await store.put(b, resultOf('x'.repeat(200)))
  assert.ok(await store.get(a))
  await store.put(c, resultOf('x'.repeat(200)))
  assert.equal(await store.get(b), undefined)
  assert.ok(await store.get(a))
  assert.ok(await store.get(c))
  await store.put(huge, resultOf('x'.repeat(2000)))
  assert.equal(await store.get(huge), undefined)
  assert.ok(await store.get(a))
})
