import { matchesAnyGlob, matchesGlob } from './glob.ts'
import { describeObject, type ObjectId } from './object-id.ts'
import { isRecord } from './record.ts'

/** Kinds as `apps/Deployment`, `ConfigMap` (the core group), `apps/*`; `*` alone is any. */
export interface KindRule {
  readonly allow: readonly string[]
  /** Stronger than `allow`. */
  readonly deny: readonly string[]
}

/**
 * What an application may touch on one cluster, by its Project. The hub holds rendered objects to
 * it; it travels in the manifest, so signed, and the agent holds them to it again.
 */
export interface Scope {
  /** Name of the Project, for people. */
  readonly project: string
  /** Globs of namespaces: of objects, and of `Namespace` objects by their name. */
  readonly namespaces: readonly string[]
  readonly clusterScoped: KindRule
  readonly namespaced: KindRule
}

/** Where the agent keeps its identity and inventories: open to those only who name it in full. */
const guardedNamespace = 'groundswell-system'

const maxPatterns = 200

/**
 * Why an object is outside of a scope, for the person who can change either; undefined when it is
 * inside.
 *
 * @param id its group must be that of its `apiVersion`, its namespace the one it will live in
 * @param namespaced whether its kind lives in namespaces
 */
export function whyOutsideScope(
  scope: Scope,
  id: ObjectId,
  namespaced: boolean,
): string | undefined {
  const kind = id.group === '' ? id.kind : `${id.group}/${id.kind}`
  const object = describeObject(id)
  const project = `Project ${scope.project}`
  const rule = namespaced ? scope.namespaced : scope.clusterScoped
  if (!allowsKind(rule, kind)) {
    const where = namespaced ? 'namespaced' : 'cluster-scoped'
    const allowed = rule.allow.length > 0 ? rule.allow.join(', ') : 'none'
    const denied = rule.deny.length > 0 ? `, denied are ${rule.deny.join(', ')}` : ''
    return `${object}: ${project} does not allow the kind ${kind}; ${where} kinds allowed are ${allowed}${denied}`
  }
  // Whoever may make a Namespace may not make any Namespace.
  const namespace = namespaced ? id.namespace : kind === 'Namespace' ? id.name : undefined
  if (namespace === undefined || allowsNamespace(scope, namespace)) return undefined
  return `${object}: ${whyNamespaceRefused(scope, namespace)}`
}

/** For a namespace that is not allowed. */
export function whyNamespaceRefused({ project, namespaces }: Scope, name: string): string {
  return `Project ${project} does not allow the namespace "${name}" here; allowed are ${namespaces.join(', ')}`
}

export function allowsNamespace({ namespaces }: Scope, name: string): boolean {
  return name === guardedNamespace ? namespaces.includes(name) : matchesAnyGlob(namespaces, name)
}

function allowsKind({ allow, deny }: KindRule, kind: string): boolean {
  const matches = (pattern: string) => pattern === '*' || matchesGlob(pattern, kind)
  return allow.some(matches) && !deny.some(matches)
}

/** @throws TypeError */
export function parseScope(value: unknown): Scope {
  if (!isRecord(value)) throw new TypeError('scope')
  const { project, namespaces, clusterScoped, namespaced } = value
  if (typeof project !== 'string' || !project) throw new TypeError('scope.project')
  return {
    project,
    namespaces: parsePatterns(namespaces, 'scope.namespaces'),
    clusterScoped: parseRule(clusterScoped, 'scope.clusterScoped'),
    namespaced: parseRule(namespaced, 'scope.namespaced'),
  }
}

function parseRule(value: unknown, what: string): KindRule {
  if (!isRecord(value)) throw new TypeError(what)
  return {
    allow: parsePatterns(value['allow'], `${what}.allow`),
    deny: parsePatterns(value['deny'], `${what}.deny`),
  }
}

function parsePatterns(value: unknown, what: string): readonly string[] {
  const isList =
    Array.isArray(value) &&
    value.length <= maxPatterns &&
    value.every((item) => typeof item === 'string' && item !== '' && item.length <= 256)
  if (!isList) throw new TypeError(what)
  return value as readonly string[]
}
