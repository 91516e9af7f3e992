import assert from 'node:assert/strict'
import type { Cluster, LiveObject } from '../../../agent/cluster/port.ts'
import { settleAtOnce } from '../memory-cluster.ts'
import type { Desired } from '../oracle.ts'
import { until } from '../until.ts'
import type { Fault, Play, Stage } from './play.ts'
import { definitionId, isEstablished, type Serving, serveWidgets, widgets } from './widgets.ts'

const conditions = [{ type: 'Established', status: 'True', reason: 'InitialNamesAccepted' }]

/**
 * A definition that comes with its objects, is established late and known to discovery later still; and
 * that somebody takes away with all of them.
 */
export function establishLate({ cluster, seed, storm }: Stage): Fault {
  const few = (most: number): number => Math.floor(seed.random() * most)
  const serving: Serving = {
    ...{ isDown: false, version: 'v1', lag: few(4) },
    onFault: () => void (storm.faults += 1),
  }
  let left = few(12)
  /** The controller that establishes it comes by after some calls. */
  function pass(): void {
    const definition = cluster.read(definitionId)
    if (!definition || isEstablished(definition)) return
    left -= 1
    if (left >= 0) return
    cluster.edit(definitionId, 'controller', (object) => ({ ...object, status: { conditions } }))
    left = few(12)
    serving.lag = few(4)
  }
  return {
    wants: widgets,
    change: (desired) => changeWidgets(desired, seed.random),
    over: (under) => passing(serveWidgets(under, cluster, serving), pass),
    begin({ remade }) {
      if (seed.random() < 0.5) return
      cluster.drop(definitionId)
      for (const name of widgets.keys()) remade.add(name)
      storm.faults += 1
    },
  }
}

/** Established by nobody but a controller. */
establishLate.settle = (object: LiveObject): LiveObject =>
  object.kind === 'CustomResourceDefinition' ? object : settleAtOnce(object)

function passing(under: Cluster, pass: () => void): Cluster {
  return {
    ...under,
    async resource(...args) {
      pass()
      return under.resource(...args)
    },
    async get(...args) {
      pass()
      return under.get(...args)
    },
  }
}

/**
 * A group of kinds that no server answers for, for as long as a storm takes: nothing is pruned beside
 * what cannot be judged. Or one whose version goes while the kind stays under another.
 */
export function loseGroup({ cluster, seed, storm }: Stage): Fault {
  const serving: Serving = {
    ...{ isDown: false, version: 'v1', lag: 0 },
    onFault: () => void (storm.faults += 1),
  }
  let leaving: readonly string[] = []
  return {
    wants: widgets,
    over: (under) => serveWidgets(under, cluster, serving),
    change(before) {
      const desired = new Map(changeWidgets(before, seed.random))
      if (seed.random() < 0.4) {
        serving.version = serving.version === 'v1' ? 'v1beta1' : 'v1'
        storm.faults += 1
      }
      for (const [name, wish] of desired) {
        if (name.startsWith('w')) desired.set(name, { ...wish, version: serving.version })
      }
      return desired
    },
    begin({ desired, readAll }) {
      serving.isDown = seed.random() < 0.6
      leaving = readAll()
        .filter(({ name, application }) => !desired.has(name) && isBeside(desired, application))
        .map(({ name }) => name)
    },
    async calm(play, life) {
      if (!serving.isDown) return
      const isTried = () =>
        life.tried()?.every(({ phase }) => phase !== 'Pending' && phase !== 'Applying')
      await until(() => isTried() === true, {
        deadlineMs: 30_000,
        intervalMs: 5,
        what: 'a try of each',
      })
      assertThere(play, leaving)
      serving.isDown = false
    },
  }
}

/** Whether an application wants widgets. */
function isBeside(desired: Desired, application: string): boolean {
  return [...desired].some(
    ([name, wish]) => name.startsWith('w') && wish.application === application,
  )
}

function assertThere({ readAll }: Play, names: readonly string[]): void {
  const there = new Set(readAll().map(({ name }) => name))
  for (const name of names)
    assert.ok(there.has(name), `${name} was pruned beside what cannot be judged`)
}

/** One of them goes or comes back, one is changed. */
function changeWidgets(before: Desired, random: () => number): Desired {
  const desired = new Map(before)
  const names = [...widgets.keys()].filter((name) => name !== 'k0' && name !== 'w0')
  const pick = () => names[Math.floor(random() * names.length)]!
  const [one, other] = [pick(), pick()]
  const text = `${Math.floor(random() * 1e6)}`
  if (desired.has(one)) desired.delete(one)
  else desired.set(one, { ...widgets.get(one)!, text })
  if (desired.has(other)) desired.set(other, { ...desired.get(other)!, text })
  return desired
}
