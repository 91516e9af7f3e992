import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Problem } from '../api/problem.ts'
import { components } from '../api/schemas.ts'

/* What the hub's answers are judged by. */

/** More would not help anybody. */
const shownFaults = 5

const schemas = new Map(
  components.map((schema) => [(schema as { readonly $id?: string }).$id ?? '', schema]),
)
const validators = new Map<string, ReturnType<typeof Compile<TSchema>>>()

/** Compiled once it is needed: a command needs one or two of them. */
function validatorOf(name: string): ReturnType<typeof Compile<TSchema>> {
  let found = validators.get(name)
  if (!found) validators.set(name, (found = Compile(schemas.get(name)!)))
  return found
}

/** What is wrong with an answer by the schema of this name, a line each; none when it fits. */
export function listFaults(name: string, value: unknown): readonly string[] {
  const validator = validatorOf(name)
  if (validator.Check(value)) return []
  return validator
    .Errors(value)
    .slice(0, shownFaults)
    .map((error) => `${error.instancePath}: ${error.message}`)
}

export function isProblem(value: unknown): value is Problem {
  return validatorOf('Problem').Check(value)
}
