import { repeat } from '../../../hub/clock.ts'
import { AgentError } from '../../../agent/errors.ts'
import { createFaultyCluster } from '../faulty-cluster.ts'
import { configNames } from '../changing-desired.ts'
import type { Life } from '../crash-world.ts'
import type { Fault, Stage } from './play.ts'

/** An API server that is away, cuts answers and watches, denies and refuses. */
export function breakApi({ seed, storm }: Stage): Fault {
  return { over: (under) => createFaultyCluster(under, seed.random, storm) }
}

/** A disk that is full again and again. */
export function fillDisk({ seed, storm }: Stage): Fault {
  return {
    disk() {
      if (!storm.on || seed.random() < 0.3) return
      storm.faults += 1
      throw new AgentError('trust_state_unwritable', 'storm: no space left on device')
    },
  }
}

const inventories = ['base', 'one', 'two'].map(
  (name) => `/ConfigMap/groundswell-system/groundswell-inventory-${name}-shop`,
)

/** Inventories that are lost: what only they remembered is nobody's to delete from here on. */
export function loseInventories({ cluster, storm }: Stage): Fault {
  return {
    change(desired) {
      for (const id of inventories) cluster.drop(id)
      storm.faults += 1
      return desired
    },
    begin({ forgotten, readAll }) {
      for (const { name } of readAll()) forgotten.add(name)
    },
  }
}

/** Another manager that writes into what is ours while a storm is on. */
export function sendRivals({ cluster, seed, storm }: Stage): Fault {
  const stop = repeat(5, () => {
    const name = configNames[Math.floor(seed.random() * configNames.length)]!
    const id = `/ConfigMap/shop/${name}`
    if (!storm.on || !cluster.read(id)) return
    storm.faults += 1
    const manager = `rival-${Math.floor(seed.random() * 3)}`
    cluster.edit(id, manager, (object) => ({ ...object, data: { text: 'by a rival' } }))
  })
  return { stop }
}

/** A second agent, which has the same verified content for as long as it has not learnt of the first. */
export function startTwin({ storm }: Stage): Fault {
  let twin: Life | undefined
  return {
    begin({ start }) {
      twin = start()
      storm.faults += 1
    },
    async calm() {
      await twin?.kill()
    },
  }
}
