import assert from 'node:assert/strict'
import { isPreciousName } from '../desired-objects.ts'
import type { Desired, Wish } from '../oracle.ts'
import { until } from '../until.ts'
import type { Fault, Play, Stage } from './play.ts'

const many = 'many-shop'
const all = Array.from({ length: 12 }, (_, n) => `cm${n}`)
/** With fewer gone a part of an application goes by itself. */
const fewest = 6

const wants: Desired = new Map<string, Wish>([
  ...all.map((name) => [name, { application: many, text: name }] as const),
  ...['p0', 'p1', 'n0', 'k0'].map(
    (name) => [name, { application: 'dear-shop', text: name }] as const,
  ),
  ...['cd', 'ce'].map((name) => [name, { application: 'dear-shop', text: name }] as const),
])

/**
 * Renders that have lost much of an application, or something whose deletion takes more along. All of it
 * waits; then a person confirms it, or takes it back.
 */
export function loseMuch({ seed, storm }: Stage): Fault {
  let held: readonly string[] = []
  const shuffled = (names: readonly string[]) =>
    names
      .map((name) => [seed.random(), name] as const)
      .sort(([a], [b]) => a - b)
      .map(([, name]) => name)

  /** Of what was there before; whether that is much of its application is what the agent is to notice. */
  function choose(before: Desired): readonly string[] {
    const there = shuffled(all.filter((name) => before.has(name)))
    const dear = shuffled(
      [...wants.keys()].filter(isPreciousName).filter((name) => before.has(name)),
    )
    const count = fewest + Math.floor(seed.random() * (there.length - fewest + 1))
    return [
      ...(there.length >= fewest && seed.random() < 0.7 ? there.slice(0, count) : []),
      ...(seed.random() < 0.6 ? dear.slice(0, 1 + Math.floor(seed.random() * 2)) : []),
    ]
  }

  return {
    wants,
    stays: [many, 'dear-shop'],
    change(before) {
      held = choose(before)
      const desired = new Map(before)
      // What was confirmed is back, as another object of the same name.
      const isBack = seed.random() < 0.7
      for (const [name, wish] of wants) if (isBack && !desired.has(name)) desired.set(name, wish)
      for (const name of held) desired.delete(name)
      storm.faults += held.length
      return desired
    },
    async calm(play, life) {
      if (held.length === 0) return
      const isHeld = () =>
        life.tried()?.some(({ errors }) => errors.some(({ code }) => code === 'prune_held'))
      await until(() => isHeld() === true, {
        deadlineMs: 30_000,
        intervalMs: 5,
        what: 'deletions to be held',
      })
      await play.untilWanted()
      assertThere(play, held)
      const confirms = seed.random() < 0.6
      const back = held.map((name) => [name, wants.get(name)!] as const)
      await play.commit(confirms ? play.desired : new Map([...play.desired, ...back]), confirms)
      held = []
    },
  }
}

function assertThere({ readAll }: Play, names: readonly string[]): void {
  const there = new Set(readAll().map(({ name }) => name))
  for (const name of names)
    assert.ok(there.has(name), `${name} was deleted, and nobody confirmed it`)
}
