import type { Cluster } from '../../../agent/cluster/port.ts'
import { AgentError } from '../../../agent/errors.ts'
import type { Fault, Play, Stage } from './play.ts'

const kept = 6

/**
 * An etcd that is restored to what it was at a moment before, in the middle of anything. What only that
 * moment had is nobody's to delete: an agent that lives goes by what it knows, not by what came back.
 */
export function restoreEtcd({ seed, storm, cluster }: Stage): Fault {
  const backups: (() => void)[] = []
  let play: Play | undefined
  function keep(): void {
    const full = Number(backups.length === kept)
    backups.splice(Math.floor(seed.random() * backups.length), full, cluster.backup())
  }
  function pass(): void {
    if (!play) return
    if (seed.random() < 0.1) keep()
    if (!storm.on || seed.random() >= 0.15) return
    backups[Math.floor(seed.random() * backups.length)]!()
    for (const { name } of play.readAll()) play.forgotten.add(name)
    storm.faults += 1
  }
  return {
    over: (under) => onCalls(under, pass),
    begin(now) {
      play = now
      keep()
    },
  }
}

/** An etcd that is full: what would be written is refused, what is read or deleted is not. */
export function fillEtcd({ seed, storm }: Stage): Fault {
  let isFull = false
  const pass = (): void => {
    if (!storm.on) isFull = false
    else if (seed.random() < 0.2) isFull = !isFull
  }
  const refuse = (): void => {
    if (!isFull) return
    storm.faults += 1
    throw new AgentError('apply_failed', 'etcdserver: mvcc: database space exceeded')
  }
  return {
    over: (under) => ({
      ...onCalls(under, pass),
      async apply(...args) {
        pass()
        refuse()
        return under.apply(...args)
      },
      async disown(...args) {
        refuse()
        return under.disown(...args)
      },
    }),
  }
}

/** A cluster that is told of each call before it is made. */
function onCalls(under: Cluster, pass: () => void): Cluster {
  return {
    ...under,
    async get(...args) {
      pass()
      return under.get(...args)
    },
    async apply(...args) {
      pass()
      return under.apply(...args)
    },
    async delete(...args) {
      pass()
      return under.delete(...args)
    },
  }
}
