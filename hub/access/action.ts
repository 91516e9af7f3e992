import { projectActions } from '../fleet/kinds/project.ts'
import type { Role } from './principal.ts'

/** What can be done to an application and its rollouts; a Project's roles allow these by name. */
export type Action = Exclude<(typeof projectActions)[number], '*'>

export const actions = projectActions.filter((action): action is Action => action !== '*')

/** What a role of the whole fleet lets its holder do to every application. */
export function isInRole(action: Action, role: Role): boolean {
  return role !== 'viewer' || action === 'read' || action === 'plan'
}
