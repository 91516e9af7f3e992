import { type Static, Type } from 'typebox'
import { closed, LabelSelector, Name } from './fields.ts'
import { checkNames, checkSelector, type Names, type Report } from './names.ts'
import { checkWindow, Window } from './window.ts'

export const ClusterSpec = Type.Object(
  {
    displayName: Type.Optional(Type.String()),
    suspend: Type.Optional(Type.Boolean()),
    /** When rollouts may or may not begin here. */
    windows: Type.Optional(Type.Array(Window, { maxItems: 100 })),
    /** Kubernetes there: what charts see as capabilities, and what it no longer serves. */
    kubernetesVersion: Type.Optional(
      Type.String({
        pattern: '^1\\.[0-9]{1,3}(\\.[0-9]{1,3})?$',
        description: 'a version of Kubernetes such as 1.35 or 1.35.4; quote it',
      }),
    ),
    /** What it serves beside Kubernetes' own, for charts that ask: `monitoring.coreos.com/v1`. */
    apiVersions: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^([a-z0-9.-]{1,253}/)?v[a-z0-9]{1,62}(/[A-Za-z0-9]{1,63})?$',
          description: 'group/version or group/version/Kind',
        }),
        { maxItems: 500 },
      ),
    ),
  },
  closed,
)

export const ClusterGroupSpec = Type.Object(
  {
    selector: Type.Optional(LabelSelector),
    clusters: Type.Optional(Type.Array(Name)),
    /** When rollouts may or may not begin on its clusters. */
    windows: Type.Optional(Type.Array(Window, { maxItems: 100 })),
  },
  closed,
)

export type ClusterSpec = Static<typeof ClusterSpec>
export type ClusterGroupSpec = Static<typeof ClusterGroupSpec>

export function checkGroup(spec: ClusterGroupSpec, names: Names, report: Report): void {
  if (!spec.selector && !spec.clusters) {
    report(['spec'], 'give a `selector` or `clusters`; a `selector: {}` takes every cluster')
  }
  checkSelector(spec.selector, ['spec', 'selector'], report)
  checkNames(spec.clusters, names.clusters, 'cluster', ['spec', 'clusters'], report)
  checkWindows(spec, report)
}

export function checkCluster(spec: ClusterSpec, report: Report): void {
  checkWindows(spec, report)
}

function checkWindows({ windows }: Pick<ClusterSpec, 'windows'>, report: Report): void {
  windows?.forEach((window, index) => checkWindow(window, ['spec', 'windows', index], report))
}
