import { AgentError } from '../../../agent/errors.ts'
import type { LiveObject } from '../../../agent/cluster/port.ts'
import { formatObjectId } from '@groundswell/proto/object-id.ts'
import { idOfName } from '../desired-objects.ts'
import { until } from '../until.ts'
import type { Life } from '../crash-world.ts'
import type { Fault, Play, Stage } from './play.ts'

const finalizer = 'example.org/stuck'
const home = '/Namespace//shop'
const soon = { deadlineMs: 30_000, intervalMs: 5 } as const

const idOf = (name: string): string => formatObjectId(idOfName(name, 'shop'))
const withMetadata = (object: LiveObject, change: Partial<LiveObject['metadata']>): LiveObject => ({
  ...object,
  metadata: { ...object.metadata, ...change },
})

/**
 * Finalizers that hang on what goes and on what stays, and a namespace that somebody deletes and that
 * waits for them. All else goes on meanwhile, what hangs is named, and what is wanted again comes back.
 */
export function hangFinalizers({ cluster, seed, storm }: Stage): Fault {
  let stuck: string[] = []
  let isTerminating = false
  const isLeaving = (id: string) => cluster.read(id)?.metadata.deletionTimestamp !== undefined
  const change = (id: string, metadata: Partial<LiveObject['metadata']>) =>
    cluster.edit(id, 'somebody', (object) => withMetadata(object, metadata))

  /** As the API server does it: what hangs stays, the rest of it goes. */
  function terminate({ remade, readAll }: Play): void {
    isTerminating = true
    const deletionTimestamp = '2026-01-01T00:00:00Z'
    change(home, { deletionTimestamp, finalizers: ['kubernetes'] })
    for (const { name } of readAll()) {
      remade.add(name)
      if (stuck.includes(name)) change(idOf(name), { deletionTimestamp })
      else cluster.drop(idOf(name))
    }
  }

  function lift({ remade }: Play): void {
    for (const name of stuck) {
      if (!cluster.read(idOf(name))) continue
      if (isLeaving(idOf(name))) remade.add(name)
      change(idOf(name), { finalizers: [] })
    }
    if (isTerminating) cluster.drop(home)
    stuck = []
    isTerminating = false
  }

  const untilNamed = (life: Life) =>
    until(
      () =>
        /example\.org\/stuck|being deleted|being terminated/.test(
          JSON.stringify(life.tried() ?? ''),
        ),
      {
        ...soon,
        what: 'what hangs to be named',
      },
    )

  return {
    over: (under) => ({
      ...under,
      async apply(...args) {
        const [, id] = args
        const isNew = !cluster.read(formatObjectId(id))
        if (isNew && id.namespace === 'shop' && isLeaving(home)) {
          throw new AgentError('apply_forbidden', 'namespace shop is being terminated')
        }
        return under.apply(...args)
      },
    }),
    begin(play) {
      for (const { name } of play.readAll()) {
        // What leaves Git is the likelier to hang.
        if (seed.random() > (play.desired.has(name) ? 0.2 : 0.8)) continue
        change(idOf(name), { finalizers: [finalizer] })
        stuck.push(name)
        storm.faults += 1
      }
      if (stuck.length > 0 && seed.random() < 0.2) terminate(play)
    },
    async calm(play, life) {
      const hanging = () => stuck.filter((name) => isLeaving(idOf(name)))
      if (isTerminating) {
        await untilNamed(life)
        return lift(play)
      }
      await play.untilWanted()
      const leaving = stuck.filter((name) => !play.desired.has(name) && cluster.read(idOf(name)))
      await until(() => leaving.every((name) => isLeaving(idOf(name))), {
        ...soon,
        what: 'deletions to be asked for',
      })
      if (leaving.length > 0) await untilNamed(life)
      const again = hanging().filter(() => seed.random() < 0.5)
      if (again.length > 0) {
        const desired = new Map(play.desired)
        for (const name of again) desired.set(name, { application: 'one-shop', text: 'again' })
        await play.commit(desired)
        await play.untilWanted()
      }
      lift(play)
    },
  }
}
