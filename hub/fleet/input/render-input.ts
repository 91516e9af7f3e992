import { posix } from 'node:path'
import { HubError } from '../../errors.ts'
import type { RenderInput } from '../../render/engine.ts'
import type { RenderSource } from './render-source.ts'
import type { ResolvedTarget } from '../resolve/resolve.ts'
import { locateValuesFile } from './values-file.ts'

/**
 * A resolved target and the tree it reads → the render's whole input. Only what the kind reads is
 * in it, so that what cannot matter makes no other render.
 *
 * @throws HubError `render_failed` when values are given to something that is no chart, or a
 *   values file is not there
 */
export function toRenderInput(target: ResolvedTarget, source: RenderSource): RenderInput {
  const { kind, root, tree, path } = source
  const isHelm = kind === 'helm'
  const place = `Application ${target.application}, cluster ${target.cluster}`
  if (!isHelm && (Object.keys(target.values).length > 0 || target.valuesFiles.length > 0)) {
    throw fail(target, `${place}: has values, but ${target.path} is no Helm chart`)
  }
  const valuesFiles = target.valuesFiles.map((file) =>
    posix.relative(root, locateValuesFile(target.path, file)),
  )
  const names = new Set(valuesFiles.length === 0 ? [] : tree.files.map((file) => file.path))
  const absent = valuesFiles.find((file) => !names.has(file))
  if (absent !== undefined) {
    throw fail(target, `${place}: there is no values file ${posix.join(root, absent)}`)
  }
  return {
    kind,
    treeId: tree.id,
    path,
    directory: {
      recurse: kind === 'directory' && (target.directory.recurse ?? false),
      include: kind === 'directory' ? (target.directory.include ?? []) : [],
      exclude: kind === 'directory' ? (target.directory.exclude ?? []) : [],
    },
    helm: {
      releaseName: isHelm ? target.releaseName : '',
      values: isHelm ? target.values : {},
      valuesFiles,
      kubeVersion: isHelm ? target.kubernetesVersion : '',
      apiVersions: isHelm ? target.apiVersions : [],
      ...(isHelm && target.served && { served: true }),
    },
    ...(source.bases && {
      bases: Object.fromEntries(
        source.bases.map(({ entry, at, path }) => [entry, posix.join(at, path)]),
      ),
    }),
    patches: target.patches,
    namespace: target.namespace,
    createNamespace: target.createNamespace,
  }
}

function fail({ application, cluster }: ResolvedTarget, message: string): HubError {
  return new HubError('render_failed', message, {
    faults: [{ object: `Application ${application}`, cluster, message }],
  })
}
