import type { ApplyRules } from '@groundswell/proto/apply-rules.ts'
import { describeObject, formatObjectId, type ObjectId } from '@groundswell/proto/object-id.ts'
import type { Fault } from '../errors.ts'
import { findDependencyCycles } from '../fleet/load/dependency-cycle.ts'
import type { RenderedObject } from '../render/engine.ts'
import { type ObjectWishes, readWishes } from './apply-rules.ts'

/** Kinds that are deleted and made anew where a change of them is refused. */
export interface ReplaceRule {
  /** Empty for the core group. */
  readonly group?: string
  readonly kind: string
  /** Any of that kind when absent. */
  readonly name?: string
}

export interface OrderOptions {
  readonly application: string
  readonly targetNamespace: string
  readonly replace?: readonly ReplaceRule[]
}

/** Rendered objects that are sent, with what their authors ask of their apply. */
export interface Ordered {
  readonly objects: readonly { readonly rendered: RenderedObject; readonly rules: ApplyRules }[]
  /** Orders that cannot be kept: a circle, a wave against a dependency, a name that is not there. */
  readonly faults: readonly Fault[]
}

interface Wishing {
  readonly rendered: RenderedObject
  readonly id: string
  readonly wishes: ObjectWishes
}

/** What is told of one application: an annotation may name half a million that are not there. */
const [mostFaults, mostNames] = [500, 20]

/** Reads the order that objects ask for, and holds it to itself. */
export function orderObjects(objects: readonly RenderedObject[], options: OrderOptions): Ordered {
  const wishing = objects.map((rendered): Wishing => {
    return { rendered, id: formatObjectId(rendered.id), wishes: readWishes(rendered) }
  })
  const faults: Fault[] = []
  let untold = 0
  const find = createFinder(wishing, options.targetNamespace)
  const after = new Map<string, string[]>()
  for (const one of wishing) {
    const report = (message: string) => {
      if (faults.length >= mostFaults) return void (untold += 1)
      const object = `Application ${options.application}`
      const name = describeObject(one.rendered.id)
      faults.push({ object, file: one.rendered.file, message: `${name}: ${message}` })
    }
    for (const fault of one.wishes.faults) report(fault)
    const before = [...new Set(one.wishes.dependsOn)].flatMap((reference) => {
      const found = find(reference)
      const why = found ? whyNotAfter(one, found) : whyNotFound(reference)
      if (why !== undefined) report(why)
      return found && why === undefined ? [found.id] : []
    })
    if (before.length > 0) after.set(one.id, [...new Set(before)].sort())
  }
  for (const cycle of findDependencyCycles(after)) {
    faults.push({
      object: `Application ${options.application}`,
      message: `objects wait for each other: ${nameCycle(cycle)}`,
    })
  }
  if (untold > 0) {
    const message = `and ${untold} more faults of order`
    faults.push({ object: `Application ${options.application}`, message })
  }
  return {
    objects: wishing.map(({ rendered, id, wishes }) => {
      const first = after.get(id)
      const replace = options.replace?.some((rule) => isOf(rendered.id, rule)) ?? false
      return {
        rendered,
        rules: {
          ...wishes.rules,
          ...(first && { after: first }),
          ...(replace && { replace: true as const }),
        },
      }
    }),
    faults,
  }
}

function nameCycle(cycle: readonly string[]): string {
  const shown = cycle.slice(0, mostNames)
  const left = cycle.length - shown.length
  const more = left > 0 ? [`${left} more`] : []
  return [...shown, ...more, cycle[0]].join(' → ')
}

/** Finds what `group/namespaces/namespace/Kind/name` or `group/Kind/name` names. */
function createFinder(objects: readonly Wishing[], targetNamespace: string) {
  const byId = new Map(objects.map((one) => [one.id, one]))
  return (reference: string): Wishing | undefined => {
    const id = parseReference(reference)
    if (!id) return undefined
    // An object that names no namespace lives in the application's.
    const loose = id.namespace === targetNamespace ? { ...id, namespace: '' } : id
    return byId.get(formatObjectId(id)) ?? byId.get(formatObjectId(loose))
  }
}

function parseReference(text: string): ObjectId | undefined {
  const parts = text.split('/')
  if (parts.length === 5 && parts[1] === 'namespaces') {
    const [group = '', , namespace = '', kind = '', name = ''] = parts
    return { group, kind, namespace, name }
  }
  if (parts.length !== 3) return undefined
  const [group = '', kind = '', name = ''] = parts
  return { group, kind, namespace: '', name }
}

function whyNotFound(reference: string): string {
  return parseReference(reference)
    ? `depends on ${reference}, which is not among the application's objects`
    : `depends on "${reference}"; write group/namespaces/namespace/Kind/name or group/Kind/name`
}

function whyNotAfter(one: Wishing, first: Wishing): string | undefined {
  const name = describeObject(first.rendered.id)
  if (one.wishes.rules.hook || first.wishes.rules.hook) {
    return `depends on ${name}, and one of the two is a hook: hooks go by their event and weight`
  }
  const [mine = 0, its = 0] = [one.wishes.rules.wave, first.wishes.rules.wave]
  return its > mine
    ? `is in wave ${mine} and depends on ${name}, which is in wave ${its}`
    : undefined
}

function isOf({ group, kind, name }: ObjectId, rule: ReplaceRule): boolean {
  return (
    kind === rule.kind &&
    (rule.group === undefined || group === rule.group) &&
    (rule.name === undefined || name === rule.name)
  )
}
