import { matchesAnyGlob } from '@groundswell/proto/glob.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { ProjectSpec } from '../fleet/kinds/project.ts'
import { projectOf } from '../fleet/resolve/tenancy.ts'
import { type Action, isInRole } from './action.ts'
import { isAllowed, type Principal, roles } from './principal.ts'

type ProjectRole = NonNullable<ProjectSpec['roles']>[number]
type Access = Pick<Fleet, 'applications' | 'projects'>

/**
 * What one principal may do now. Nothing is allowed that a role of the fleet or of the
 * application's own Project does not name.
 */
export interface Rights {
  readonly principal: Principal
  may(action: Action, application: string): boolean
  /** Whoever may do anything to an application may see it. */
  sees(application: string): boolean
  /** Whether there is any application this may be done to. */
  mayAnywhere(action: Action): boolean
  /** False of a member of groups before Git was read: nobody knows what Projects allow them. */
  isKnown(): boolean
  /** Whether they have a role, by the name a gate asks for. */
  holds(role: string, application: string): boolean
}

/** Git is asked each time: a role that a commit takes away is gone with that commit. */
export function rightsOf(principal: Principal, fleet: () => Access | null): Rights {
  const { role } = principal
  const groups = new Set(principal.groups)
  const isMember = (one: ProjectRole): boolean =>
    one.groups?.some((group) => groups.has(group)) === true

  function rolesOn(application: string): ProjectRole[] {
    const now = fleet()
    const spec = now?.applications.get(application)?.spec
    const project = now && spec && projectOf(now, spec)
    return (project?.spec.roles ?? []).filter(isMember)
  }

  function may(action: Action, application: string): boolean {
    if (role !== null && isInRole(action, role)) return true
    return rolesOn(application).some((one) => allows(one, action, application))
  }

  return {
    principal,
    isKnown: () => groups.size === 0 || fleet() !== null,
    may,
    sees: (application) => may('read', application),
    mayAnywhere: (action) => {
      if (role !== null && isInRole(action, role)) return true
      return [...(fleet()?.projects.values() ?? [])].some(({ spec }) =>
        spec.roles?.some((one) => isMember(one) && allowsSome(one, action)),
      )
    },
    holds: (name, application) => {
      const known = roles.find((one) => one === name)
      if (isAllowed(principal, known ?? 'admin')) return true
      // Where a gate asks for an operator, a tenant's own approvers are meant.
      if (known !== undefined) return known === 'operator' && may('approve', application)
      return rolesOn(application).some((one) => one.name === name)
    },
  }
}

function allows(role: ProjectRole, action: Action, application: string): boolean {
  return role.allow.some(
    (rule) =>
      names(rule.actions, action) &&
      (rule.applications === undefined || matchesAnyGlob(rule.applications, application)),
  )
}

function allowsSome(role: ProjectRole, action: Action): boolean {
  return role.allow.some((rule) => names(rule.actions, action))
}

/** Whoever may do anything may read what they do it to. */
function names(given: readonly string[], action: Action): boolean {
  return action === 'read' || given.includes(action) || given.includes('*')
}
