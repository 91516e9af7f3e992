import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { enginePath } from '../../deploy/setup/paths.mjs'
import { HubError } from '../../hub/errors.ts'
import { createCachedEngine, createMemoryRenderStore } from '../../hub/render/cache.ts'
import { createRenderEngine } from '../../hub/render/process.ts'
import { tells } from '../support/exact-words.ts'
import { listChildren, stopProcess } from '../support/processes-of.ts'
import { names, renderText, startRenderEngine } from '../support/render-engine.ts'
import { renderFiles, renderInput } from '../support/render-input.ts'
import { createTempDir } from '../support/temp-dir.ts'

const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n'
const never = new AbortController().signal

const chart = (template: string) => ({
  'Chart.yaml': 'apiVersion: v2\nname: bad\nversion: 1.0.0\n',
  'templates/a.yaml': template,
})

const endless =
  '{{ define "f" }}{{ range until 2 }}{{ template "f" $ }}{{ end }}{{ end }}{{ template "f" . }}'

function code(expected: HubError['code'], message = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof HubError, String(error))
    assert.equal(error.code, expected)
    assert.match(error.message, message)
    return true
  }
}

test('F52, T24 B40c: an endless template is killed at the time limit and the next render works', async () => {
  await using engine = await startRenderEngine({ timeoutMs: 500 })
  await assert.rejects(
    renderText(engine, chart(endless), { kind: 'helm' }),
    (error) => (tells('B40c: a template without end', error), true),
  )
  assert.deepEqual(names(await renderText(engine, { 'a.yaml': configMap })), ['ConfigMap a'])
})

test('F52, T24 B40c: templates that take all the memory are killed and the next render works', async () => {
  await using engine = await startRenderEngine({ memoryBytes: 256 * 1024 * 1024 })
  for (const template of [
    '{{ repeat 10000000000 "abc" }}',
    '{{ $x := "a" }}{{ range until 1000 }}{{ $x = printf "%s%s" $x $x }}{{ end }}',
    '{{ range until 2000000000 }}{{ end }}',
  ]) {
    await assert.rejects(
      renderText(engine, chart(template), { kind: 'helm' }),
      (error) => (tells('B40c: a template that takes all memory', error), true),
    )
  }
  assert.deepEqual(names(await renderText(engine, { 'a.yaml': configMap })), ['ConfigMap a'])
})

test('F52: a worker that stands still is killed at the time limit and the next render works', async () => {
  await using engine = await startRenderEngine({ timeoutMs: 1_000 })
  assert.deepEqual(names(await renderText(engine, { 'a.yaml': configMap })), ['ConfigMap a'])
  const workers = await listChildren(process.pid, enginePath())
  assert.ok(workers.length > 0)
  await Promise.all(workers.map(stopProcess))
  await assert.rejects(renderText(engine, { 'b.yaml': configMap }), code('render_timeout'))
  assert.deepEqual(names(await renderText(engine, { 'a.yaml': configMap })), ['ConfigMap a'])
  const now = await listChildren(process.pid, enginePath())
  assert.deepEqual(
    now.filter((worker) => workers.includes(worker)),
    [],
  )
})

test('T24 B40c: endless recursion is an error or the end of one process, never more', async () => {
  await using engine = await startRenderEngine()
  for (const template of [
    '{{ define "f" }}{{ include "f" . }}{{ end }}{{ include "f" . }}',
    '{{ define "f" }}{{ template "f" . }}{{ end }}{{ template "f" . }}',
  ]) {
    await assert.rejects(
      renderText(engine, chart(template), { kind: 'helm' }),
      code('render_failed'),
    )
  }
  assert.deepEqual(names(await renderText(engine, { 'a.yaml': configMap })), ['ConfigMap a'])
})

test('files are asked for once; a tree the engine let go is asked for again', async () => {
  await using engine = await startRenderEngine()
  let asked = 0
  const render = (treeId: string) =>
    engine.render(
      renderInput({ treeId }),
      () => {
        asked += 1
        return Promise.resolve(renderFiles({ 'a.yaml': configMap }))
      },
      never,
    )
  await render('one')
  await render('one')
  assert.equal(asked, 1)
  for (let count = 0; count < 100; count += 1) await render(`other ${count}`)
  await render('one')
  assert.equal(asked, 102)
})

test('an aborted render frees its worker; one that waits leaves the queue', async () => {
  await using engine = await startRenderEngine()
  const abort = new AbortController()
  const files = () => Promise.resolve(renderFiles(chart(endless)))
  const running = engine.render(renderInput({ kind: 'helm' }), files, abort.signal)
  const waiting = engine.render(renderInput({ kind: 'helm' }), files, abort.signal)
  const reason = new Error('nobody wants it any more')
  abort.abort(reason)
  await assert.rejects(running, reason)
  await assert.rejects(waiting, reason)
  assert.deepEqual(names(await renderText(engine, { 'a.yaml': configMap })), ['ConfigMap a'])
})

test('renders beyond the queue are refused, the ones in it all done', async () => {
  await using engine = await startRenderEngine({ workers: 2, maxWaiting: 3 })
  const renders = Array.from({ length: 8 }, (_, index) =>
    renderText(engine, { [`${index}.yaml`]: configMap }),
  )
  const outcomes = await Promise.allSettled(renders)
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 5)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') code('engine_unavailable')(outcome.reason)
  }
})

test('identical inputs render once through the cache, even at the same time', async () => {
  await using inner = await startRenderEngine()
  let renders = 0
  const engine = createCachedEngine(
    {
      ...inner,
      render: (...given) => {
        renders += 1
        return inner.render(...given)
      },
    },
    createMemoryRenderStore(1024 * 1024),
  )
  const results = await Promise.all(
    Array.from({ length: 20 }, () => renderText(engine, { 'a.yaml': configMap })),
  )
  results.push(await renderText(engine, { 'a.yaml': configMap }))
  assert.equal(renders, 1)
  assert.equal(new Set(results.map((result) => JSON.stringify(result))).size, 1)
})

test('the version names the binary, and is the same in every process', async () => {
  await using one = await startRenderEngine()
  await using two = await startRenderEngine()
  assert.match(one.version, /^sha256:[0-9a-f]{64}$/)
  assert.equal(one.version, two.version)
})

test('no binary, or one that is not the engine, is said at once', async () => {
  await using dir = await createTempDir('engine')
  const options = { workers: 1, memoryBytes: 1 << 28, timeoutMs: 2000 }
  const binary = join(dir.path, 'engine')
  await assert.rejects(
    createRenderEngine({ ...options, binary: '' }),
    /no render engine at "": run `npm run setup`/,
  )
  await assert.rejects(createRenderEngine({ ...options, binary }), code('engine_unavailable'))
  await writeFile(binary, '#!/bin/sh\necho not an engine at all\n')
  await chmod(binary, 0o755)
  await assert.rejects(createRenderEngine({ ...options, binary }), code('engine_unavailable'))
})

test('after close, renders are refused and nothing is left running', async () => {
  const engine = await startRenderEngine()
  await engine.close()
  await engine.close()
  await assert.rejects(renderText(engine, { 'a.yaml': configMap }), code('engine_unavailable'))
})
