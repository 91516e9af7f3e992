import { type Static, Type } from 'typebox'
import { closed, LabelSelector, Name } from './fields.ts'
import { checkName, checkPickers, type Names, type Path, type Report } from './names.ts'
import { checkWindow, windowFields } from './window.ts'

const Glob = Type.String({
  minLength: 1,
  maxLength: 256,
  description: 'text; * stands for anything but a slash, ** for anything',
})

const KindGlobs = Type.Array(
  Type.String({
    pattern: '^([a-z0-9.*-]{1,253}/)?[A-Za-z0-9*]{1,63}$',
    description: 'a kind such as apps/Deployment, ConfigMap or apps/*; * for any',
  }),
  { maxItems: 200 },
)

/** Denied wins over allowed. */
const KindRule = Type.Object(
  { allow: Type.Optional(KindGlobs), deny: Type.Optional(KindGlobs) },
  closed,
)

/** Exactly one of `repository` and `url`. */
export const ProjectSource = Type.Object(
  {
    /** Name of a Repository, or a glob of names; `fleet` is the fleet repository. */
    repository: Type.Optional(Glob),
    /** Glob of a Repository's `url`. */
    url: Type.Optional(Glob),
    /** Globs of `source.path`; what is below a path that matches is in. All when left out. */
    paths: Type.Optional(Type.Array(Glob, { minItems: 1 })),
  },
  closed,
)

/** Clusters by the conditions an Application's targets know, and namespaces on them. */
export const ProjectDestination = Type.Object(
  {
    clusterSelector: Type.Optional(LabelSelector),
    clusterGroup: Type.Optional(Name),
    clusters: Type.Optional(Type.Array(Name)),
    namespaces: Type.Array(
      Type.String({
        pattern: '^[a-z0-9*?]([-a-z0-9*?]{0,61}[a-z0-9*?])?$',
        description: 'a namespace, or a glob such as team-a-*; * for any',
      }),
      { minItems: 1, maxItems: 200 },
    ),
  },
  closed,
)

export const projectActions = [
  ...['read', 'plan', 'start', 'approve', 'promote', 'pause', 'resume', 'abort'],
  ...['rollback', 'retry', 'skip', '*'],
] as const

const ActionName = Type.Unsafe<(typeof projectActions)[number]>(
  Type.Union(projectActions.map((action) => Type.Literal(action))),
)

const ProjectRole = Type.Object(
  {
    name: Name,
    description: Type.Optional(Type.String()),
    /** Values of the identity provider's group claim. */
    groups: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    allow: Type.Array(
      Type.Object(
        {
          actions: Type.Array(ActionName, { minItems: 1 }),
          /** Globs of names of the project's applications; all when left out. */
          applications: Type.Optional(Type.Array(Glob)),
        },
        closed,
      ),
      { minItems: 1 },
    ),
  },
  closed,
)

/** When rollouts may or may not begin on clusters; on all of them when none is picked. */
export const ProjectWindow = Type.Object(
  {
    ...windowFields,
    clusterSelector: Type.Optional(LabelSelector),
    clusterGroup: Type.Optional(Name),
    clusters: Type.Optional(Type.Array(Name)),
  },
  closed,
)

export type ProjectWindow = Static<typeof ProjectWindow>

/** A tenant: what its applications may come from, where they may go, and of what they may be. */
export const ProjectSpec = Type.Object(
  {
    description: Type.Optional(Type.String()),
    sources: Type.Array(ProjectSource, { minItems: 1 }),
    destinations: Type.Array(ProjectDestination, { minItems: 1 }),
    kinds: Type.Optional(
      Type.Object(
        {
          /** None are allowed unless listed. */
          clusterScoped: Type.Optional(KindRule),
          /** All are allowed unless listed. */
          namespaced: Type.Optional(KindRule),
        },
        closed,
      ),
    ),
    /** Repositories that its applications come from have to be verified by these signers. */
    signatures: Type.Optional(Type.Object({ signers: Type.String({ minLength: 1 }) }, closed)),
    roles: Type.Optional(Type.Array(ProjectRole)),
    /** Of every approval that gates of its applications ask for. */
    approvals: Type.Optional(Type.Object({ notAuthor: Type.Optional(Type.Boolean()) }, closed)),
    /** Of strategies that say nothing of it. */
    revert: Type.Optional(Type.Union([Type.Literal('pullRequest'), Type.Literal('none')])),
    windows: Type.Optional(Type.Array(ProjectWindow)),
  },
  closed,
)

export type ProjectSpec = Static<typeof ProjectSpec>
export type ProjectSource = Static<typeof ProjectSource>
export type ProjectDestination = Static<typeof ProjectDestination>

export function checkProject(spec: ProjectSpec, names: Names, report: Report): void {
  spec.sources.forEach((source, index) => {
    checkProjectSource(source, ['spec', 'sources', index], names, report)
  })
  spec.destinations.forEach((destination, index) => {
    const path = ['spec', 'destinations', index]
    const { clusterSelector, clusterGroup, clusters } = destination
    if (!clusterSelector && clusterGroup === undefined && !clusters) {
      report(
        path,
        'picks no cluster: give `clusterSelector`, `clusterGroup` or `clusters` (`clusterSelector: {}` takes every cluster)',
      )
    }
    checkPickers(clusterSelector, 'clusterSelector', destination, path, names, report)
  })
  spec.roles?.forEach((role, index) => {
    const first = spec.roles!.findIndex((other) => other.name === role.name)
    if (first < index) {
      report(['spec', 'roles', index, 'name'], `role "${role.name}" is there already`)
    }
  })
  spec.windows?.forEach((window, index) => {
    const path = ['spec', 'windows', index]
    checkWindow(window, path, report)
    checkPickers(window.clusterSelector, 'clusterSelector', window, path, names, report)
  })
}

function checkProjectSource(
  { repository, url }: ProjectSource,
  path: Path,
  names: Names,
  report: Report,
): void {
  if ((repository === undefined) === (url === undefined)) {
    report(path, 'give `repository` (its name) or `url` (a glob of its URL), and not both')
  }
  if (repository !== undefined && repository !== 'fleet' && !/[*?]/.test(repository)) {
    checkName(repository, names.repositories, 'Repository', [...path, 'repository'], report)
  }
}
