import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { HubError } from '../../hub/errors.ts'
import type { RenderEngine, RenderFiles, RenderInput } from '../../hub/render/engine.ts'
import { type Printed, runOracle } from './oracles.ts'
import { renderFiles, renderInput } from './render-input.ts'
import type { Sample } from './samples.ts'

/* What the official programs print for a directory, read as kubectl reads it, beside what we render:
   digest for digest. */

type Outcome = { readonly objects: readonly string[] } | { readonly error: string }

/** Id and digest of every object, or why there is none. */
async function render(
  engine: RenderEngine,
  files: RenderFiles,
  given: Parameters<typeof renderInput>[0],
): Promise<Outcome> {
  const hash = createHash('sha1')
  for (const [path, bytes] of files) hash.update(`${path}\0${bytes.byteLength}\0`).update(bytes)
  const input: RenderInput = renderInput({ treeId: hash.digest('hex'), namespace: 'eu', ...given })
  try {
    const signal = new AbortController().signal
    const { objects } = await engine.render(input, () => Promise.resolve(files), signal)
    return {
      objects: objects.map(
        ({ id, json }) =>
          `${id.group}/${id.kind} ${id.namespace}/${id.name} ${createHash('sha256').update(json).digest('hex')}`,
      ),
    }
  } catch (error) {
    assert.ok(error instanceof HubError && error.code === 'render_failed', String(error))
    return { error: error.message }
  }
}

/** What a cluster would be sent if somebody applied what the program printed. */
async function apply(engine: RenderEngine, printed: Printed): Promise<Outcome> {
  if ('error' in printed) return printed
  return render(engine, renderFiles({ 'printed.yaml': printed.text }), {})
}

export interface Compared {
  readonly same: readonly string[]
  /** Neither renders it. */
  readonly refused: readonly string[]
  readonly different: readonly string[]
}

async function compareAll(
  samples: readonly Sample[],
  ours: (sample: Sample) => Promise<Outcome>,
  theirs: (sample: Sample) => Promise<Outcome>,
): Promise<Compared> {
  const [same, refused, different]: [string[], string[], string[]] = [[], [], []]
  for (const sample of samples) {
    const [mine, other] = await Promise.all([ours(sample), theirs(sample)])
    if ('error' in mine && 'error' in other) refused.push(`${sample.name}: ${mine.error}`)
    else if (JSON.stringify(mine) === JSON.stringify(other)) same.push(sample.name)
    else different.push(`${sample.name}\n  ours   ${say(mine)}\n  theirs ${say(other)}`)
  }
  return { same, refused, different }
}

const say = (outcome: Outcome) =>
  ('error' in outcome ? outcome.error : outcome.objects.join('; ')).slice(0, 600)

/** Samples rendered by us and by Helm, or by Kustomize. */
export function createComparison(engine: RenderEngine) {
  return {
    charts: (samples: readonly Sample[]): Promise<Compared> =>
      compareAll(
        samples,
        ({ files, path }) => render(engine, files, { kind: 'helm', path }),
        async ({ directory }) =>
          apply(
            engine,
            await runOracle('helm', [
              ...['template', 'shop', directory, '--namespace', 'eu'],
              ...['--include-crds', '--skip-tests'],
            ]),
          ),
      ),
    kustomizations: (samples: readonly Sample[]): Promise<Compared> =>
      compareAll(
        samples,
        ({ files, path }) => render(engine, files, { kind: 'kustomize', path }),
        async ({ directory }) => apply(engine, await runOracle('kustomize', ['build', directory])),
      ),
  }
}
