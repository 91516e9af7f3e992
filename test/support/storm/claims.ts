import assert from 'node:assert/strict'
import { alsoText } from '../desired-objects.ts'
import { until } from '../until.ts'
import type { Fault, Play, Stage } from './play.ts'

const applications = ['base-shop', 'one-shop', 'two-shop'] as const

/**
 * Objects that two applications claim at once: who has it keeps it, the other is told whose it is, and
 * when one of them lets it go the object stays and is the other's.
 */
export function claimTwice({ seed, storm }: Stage): Fault {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(seed.random() * from.length)]!
  /** Whose each was before. */
  let owners = new Map<string, string>()

  function findOwners({ desired, readAll }: Play): Map<string, string> {
    const live = readAll().filter(({ name }) => desired.get(name)?.also !== undefined)
    return new Map(live.map(({ name, application }) => [name, application]))
  }

  return {
    change(before) {
      const desired = new Map(before)
      for (let n = 0; n < 2; n += 1) {
        const name = pick([...desired.keys()])
        const wish = desired.get(name)!
        const others = applications.filter((one) => one !== wish.application)
        desired.set(name, { ...wish, also: pick(others) })
        storm.faults += 1
      }
      return desired
    },
    begin(play) {
      owners = findOwners(play)
    },
    async calm(play, life) {
      const claimed = [...play.desired].filter(([, { also }]) => also !== undefined)
      const isTold = (name: string) =>
        life
          .tried()
          ?.some(({ errors }) =>
            errors.some(
              ({ object, code }) => code === 'owned_by_other' && object.endsWith(`/${name}`),
            ),
          )
      await until(() => claimed.every(([name]) => isTold(name) === true) && isKept(play, owners), {
        ...{ deadlineMs: 30_000, intervalMs: 5, what: 'the second of two claims to be refused' },
      })
      const settled = claimed.map(([name, { text, application, also }]) => {
        return [name, { text, application: pick([application, also!]) }] as const
      })
      await play.commit(new Map([...play.desired, ...settled]))
      assert.ok(settled.length > 0)
    },
  }
}

/** Each is one claimant's, says what that one wants, and is still his who had it. */
function isKept({ desired, readAll }: Play, owners: ReadonlyMap<string, string>): boolean {
  const live = new Map(readAll().map((one) => [one.name, one]))
  return [...desired].every(([name, wish]) => {
    if (wish.also === undefined) return true
    const one = live.get(name)
    if (!one) return false
    const claimants = [wish.application, wish.also]
    const owner = owners.get(name)
    if (owner !== undefined && claimants.includes(owner) && one.application !== owner) return false
    if (!claimants.includes(one.application)) return false
    return one.text === (one.application === wish.also ? alsoText(wish) : wish.text)
  })
}
