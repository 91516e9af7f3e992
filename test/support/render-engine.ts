import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { enginePath, isExecutable, root } from '../../deploy/setup/paths.mjs'
import type { RenderedObject, RenderEngine, RenderResult } from '../../hub/render/engine.ts'
import { createRenderEngine, type RenderEngineOptions } from '../../hub/render/process.ts'
import type { EngineWorkers } from '../../hub/render/workers.ts'
import { renderFiles, renderInput } from './render-input.ts'

/** The engine set-up built, or one built now into the same cache. */
export async function findEngineBinary(): Promise<string> {
  const path = enginePath()
  if (isExecutable(path)) return path
  await mkdir(dirname(dirname(path)), { recursive: true })
  const scratch = await mkdtemp(`${dirname(path)}-`)
  try {
    await promisify(execFile)(
      'go',
      ['build', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', `${scratch}/`, '.'],
      { cwd: join(root, 'hub', 'engine'), env: { ...process.env, CGO_ENABLED: '0' } },
    )
    await mkdir(dirname(path), { recursive: true })
    await rename(join(scratch, 'engine'), path)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  return path
}

/** A real engine, small; `await using` closes it. */
export async function startRenderEngine(
  options: Partial<RenderEngineOptions> = {},
): Promise<RenderEngine & EngineWorkers & AsyncDisposable> {
  const binary = await findEngineBinary()
  const engine = await createRenderEngine({
    binary,
    workers: 1,
    memoryBytes: 512 * 1024 * 1024,
    timeoutMs: 30_000,
    ...options,
  })
  return { ...engine, [Symbol.asyncDispose]: () => engine.close() }
}

/** Renders files as they are; the tree's id is made from them. */
export function renderText(
  engine: RenderEngine,
  files: Readonly<Record<string, string>>,
  given: Parameters<typeof renderInput>[0] = {},
): Promise<RenderResult> {
  const treeId = createHash('sha1').update(JSON.stringify(files)).digest('hex')
  return engine.render(
    renderInput({ treeId, ...given }),
    () => Promise.resolve(renderFiles(files)),
    new AbortController().signal,
  )
}

/** Kind and name of every object, with its namespace: `ConfigMap shop/settings`. */
export function names(result: RenderResult): string[] {
  return result.objects.map(
    ({ id }) => `${id.kind} ${id.namespace ? `${id.namespace}/` : ''}${id.name}`,
  )
}

/** The content of the one object of this kind and name. */
export function contentOf(result: RenderResult, kind: string, name: string) {
  const found: RenderedObject[] = result.objects.filter(
    ({ id }) => id.kind === kind && id.name === name,
  )
  if (found.length !== 1)
    throw new Error(`${found.length} of ${kind} ${name}: ${names(result).join()}`)
  return JSON.parse((found[0] as RenderedObject).json) as Record<string, unknown>
}
