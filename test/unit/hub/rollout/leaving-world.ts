import type { Application, Declared, Git } from './several-git.ts'
import { createSeveralHub } from './several-world.ts'

/* A hub with four applications that run everywhere, of which Git declares some no more. */

const plain = { waves: [{ name: 'all', selector: {} }] }
const waves = [
  { name: 'canary', clusters: ['c0'] },
  { name: 'rest', clusters: ['c1', 'c2', 'c3', 'c4', 'c5'], before: [{ approval: {} }] },
]

/** At once everywhere. */
export const ungated: Declared = {
  ...{ version: 0, overrides: {}, excluded: [] },
  ...{ dependsOn: [], strategy: plain },
}
/** A canary, c0, and an approval before the others. */
export const gated: Declared = { ...ungated, strategy: { waves } }

export const everywhere = ['c0', 'c1', 'c2', 'c3', 'c4']

/** @param rest what Git says beside what it declares, such as whose objects are whose */
export async function createLeavingHub(
  declared: Readonly<Partial<Record<Application, Declared>>>,
  rest: Partial<Git> = {},
) {
  const before: Git = {
    ...{ second: [], suspended: [], windows: [], owners: [] },
    ...{ declared: { db: ungated, queue: ungated, shop: ungated, web: ungated, ...declared } },
    ...rest,
  }
  const world = await createSeveralHub(before)

  async function goOn(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) {
      await world.perform({ kind: 'goOn', ms: 5_000 })
      await world.settle()
    }
  }

  const hub = {
    world,
    goOn,
    async approve(application: Application): Promise<void> {
      const rest = { application, cluster: 'c0', actor: 'alice' } as const
      await world.perform({ kind: 'act', action: 'approve', ...rest })
      await goOn()
    },
    /** Of what was declared last, without some, or with more said of them. */
    async commit(change: Partial<Record<Application, Declared | null>>, more: Partial<Git> = {}) {
      const last = world.commits.at(-1)!
      const next = Object.entries({ ...last.declared, ...change }).filter(([, one]) => one)
      world.commits.push({
        ...last,
        ...more,
        declared: Object.fromEntries(next) as Git['declared'],
      })
      await world.settle()
    },
    /** Clusters that are to have an application. */
    has: (application: Application): string[] =>
      [...(world.hub.state.assignedTo.get(application)?.values() ?? [])]
        .filter(({ digest }) => digest !== null)
        .map(({ cluster }) => cluster)
        .sort(),
    phases: (application: Application): string =>
      [...(world.hub.state.rolloutsOf.get(application) ?? [])]
        .map((id) => world.hub.state.runs.get(id)!.phase)
        .join(' '),
  }
  await goOn()
  return hub
}
