import type { RenderFiles, RenderInput } from '../../hub/render/engine.ts'

/** A render input with nothing asked for beyond what `given` says. */
export function renderInput(
  given: Partial<Omit<RenderInput, 'helm' | 'directory'>> & {
    readonly helm?: Partial<RenderInput['helm']>
    readonly directory?: Partial<RenderInput['directory']>
  } = {},
): RenderInput {
  return {
    kind: 'directory',
    treeId: 'tree',
    path: '.',
    patches: [],
    namespace: '',
    createNamespace: false,
    ...given,
    directory: { recurse: false, include: [], exclude: [], ...given.directory },
    helm: {
      releaseName: 'shop',
      values: {},
      valuesFiles: [],
      kubeVersion: '',
      apiVersions: [],
      ...given.helm,
    },
  }
}

/** Files by path, from text. */
export function renderFiles(files: Readonly<Record<string, string>>): RenderFiles {
  return new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]))
}
