import type { Desired } from './oracle.ts'
import type { Seed } from './seed.ts'

export const configNames = Array.from({ length: 10 }, (_, n) => `c${n}`)

/** The next thing to want: a few objects changed, added, removed or moved, now and then an application less. */
export function changeDesired(before: Desired, namespace: string, seed: Seed): Desired {
  const desired = new Map(before)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(seed.random() * from.length)]!
  // What was new a moment ago is what a death is likeliest to have forgotten.
  if (desired.size > 5 && seed.random() < 0.6) desired.delete([...desired.keys()].at(-1)!)
  for (let n = 0; n < 4; n += 1) {
    const name = pick(configNames)
    const application = `${pick(['base', 'one', 'two'])}-${namespace}`
    const text = `${Math.floor(seed.random() * 1e6)}`
    // Not many at once: those would wait for a person.
    if (desired.has(name) && n === 0 && desired.size > 4) desired.delete(name)
    else desired.set(name, { application: desired.get(name)?.application ?? application, text })
    if (seed.random() < 0.2) desired.set(name, { application, text })
  }
  // Nor here: with the two above at most five go, which an agent still does by itself.
  const fewer = [...before.values()].filter(({ application }) => application.startsWith('two-'))
  const isLess = seed.random() < 0.2 && fewer.length <= 3
  for (const [name, { application }] of before) {
    if (isLess && application.startsWith('two-')) desired.delete(name)
  }
  return desired
}
