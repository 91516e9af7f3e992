import type { Declared, Fleet } from '../../hub/fleet/fleet.ts'
import type { ApplicationSpec } from '../../hub/fleet/kinds/application.ts'
import type { ProjectSpec } from '../../hub/fleet/kinds/project.ts'

type Roles = NonNullable<ProjectSpec['roles']>

/** Applications by name with their Project, and each Project's roles: what rights are read from. */
export function makeAccess(given: {
  readonly applications: Readonly<Record<string, string | undefined>>
  readonly roles: Readonly<Record<string, Roles>>
}): Pick<Fleet, 'applications' | 'projects'> {
  const declare = <S>(name: string, spec: S): [string, Declared<S>] => [
    name,
    { name, labels: {}, annotations: {}, spec, file: 'x.yaml', line: 1 },
  ]
  return {
    applications: new Map(
      Object.entries(given.applications).map(([name, project]) =>
        declare<ApplicationSpec>(name, {
          ...(project === undefined ? {} : { project }),
          source: { path: name },
          targets: [{ clusterSelector: {} }],
        }),
      ),
    ),
    projects: new Map(
      Object.entries(given.roles).map(([name, roles]) =>
        declare<ProjectSpec>(name, { sources: [], destinations: [], roles }),
      ),
    ),
  }
}
