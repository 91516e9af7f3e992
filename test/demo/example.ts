import { readFile, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { root } from '../../deploy/setup/paths.mjs'
import type { ClusterPlace } from './cluster.ts'

/** Path in the repository → text. */
export type Files = Readonly<Record<string, string>>

/** The example's applications; each lives in a Deployment and a namespace of its own name. */
export const applications = ['notice', 'storefront', 'greeter'] as const

/** The directory in the repository that holds the hub's configuration. */
export const fleetPath = 'fleet'

/** The repositories that its applications lie in, besides its own: name → directory of its first commit. */
export const repositories: Readonly<Record<string, string>> = {
  greeter: join(root, 'deploy', 'example-greeter'),
}

const directory = join(root, 'deploy', 'example')

/** @param locate where a repository of the example is served */
export async function readExample(locate: (name: string) => string): Promise<Files> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  const texts = await Promise.all(
    paths.map(async (path) => {
      const text = await readFile(path, 'utf8')
      const served = text.replaceAll(/https:\/\/git\.example\/(\w+)\.git/g, (_, name: string) =>
        locate(name),
      )
      return [relative(directory, path), served] as const
    }),
  )
  return Object.fromEntries(texts)
}

/** What the first rollout brings against what is there before any cluster joins. */
export function splitExample(files: Files): { readonly fleet: Files; readonly releases: Files } {
  const isRelease = ([path]: readonly [string, string]) =>
    path.startsWith(`${fleetPath}/applications/`)
  const entries = Object.entries(files)
  return {
    fleet: Object.fromEntries(entries.filter((entry) => !isRelease(entry))),
    releases: Object.fromEntries(entries.filter(isRelease)),
  }
}

/**
 * The example for other clusters than its own. Images are really pulled there, so everything gets
 * more time than on nodes that are only played.
 */
export function adaptExample(files: Files, places: readonly ClusterPlace[]): Files {
  const slower = Object.entries(files).map(([path, text]) => [
    path,
    text
      .replaceAll('progressDeadline: 60s', 'progressDeadline: 10m')
      .replaceAll('progressDeadlineSeconds: 20', 'progressDeadlineSeconds: 120'),
  ])
  return {
    ...Object.fromEntries(slower),
    [`${fleetPath}/clusters.yaml`]: places.map(formatCluster).join('---\n'),
  }
}

function formatCluster({ name, ring, context }: ClusterPlace): string {
  return `apiVersion: groundswell.dev/v1alpha1
kind: Cluster
metadata:
  name: ${name}
  labels:
    ring: ${ring}
    region: here
spec:
  displayName: ${JSON.stringify(context)}
`
}
