import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '@groundswell/proto/digest.ts'
import * as fc from 'fast-check'
import { HubError } from '../../../../hub/errors.ts'
import { type Content, finalPhases } from '../../../../hub/rollout/rollout.ts'
import { type Asked, createDecidingHub } from './deciding-hub.ts'

/* One application with a canary, c0, and two clusters behind it; Git changes its mind, leaves the canary out, declares
   the application no more, and people stop what they see. Nobody behind the canary gets what it is to have as well and
   has not proven, and none loses the application before the canary did. */

const contents = ['v0', 'v1', 'v2', 'v3'].map((text): Content => ({
  digest: digestOf(text),
  size: 1,
  revision: text,
}))
/** What nobody has had, nor taken back. */
const final: Content = { digest: digestOf('final'), size: 1, revision: 'final' }
const anyContent = fc.constantFrom(...contents)
const anyMove = fc.oneof(
  fc.record({
    kind: fc.constant('commit' as const),
    all: anyContent,
    own: fc.option(fc.record({ cluster: fc.constantFrom('c1', 'c2'), content: anyContent }), {
      freq: 2,
      nil: undefined,
    }),
    isCanaryLeft: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('leave' as const), isCanaryLeft: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('fail' as const, 'restart' as const) }),
  fc.record({ kind: fc.constant('goOn' as const), ms: fc.constantFrom(1, 1_000, 5_000) }),
  fc.record({ kind: fc.constant('goOn' as const), ms: fc.constantFrom(1, 1_000, 5_000) }),
  fc.record({
    kind: fc.constant('act' as const),
    action: fc.constantFrom('pause', 'resume', 'abort', 'rollback', 'retry'),
    /** Of those that were not replaced: the newest, or the one before. */
    back: fc.nat({ max: 1 }),
  }),
)
type Move = typeof anyMove extends fc.Arbitrary<infer T> ? T : never

type Hub = Awaited<ReturnType<typeof createDecidingHub>>

/** Looks at what clusters are told as it is told. */
function createJudge(hub: Hub) {
  let seen = 0
  const proven = new Set<Content['digest']>()
  /** What each had, or was to have by itself, once. */
  const known = new Map(['c0', 'c1', 'c2'].map((name) => [name, new Set<Content['digest']>()]))
  const has = new Map<string, Content['digest']>()

  function noteProven(): void {
    for (const [id, run] of hub.state.runs) {
      const canary = run.clusters['c0']
      const isProven = canary?.state === 'Done' && canary.outcome === 'Succeeded'
      if (isProven) proven.add(hub.state.plans.get(id)!.targets['c0']!.digest)
    }
  }

  return {
    know: (cluster: string, { digest }: Content) => void known.get(cluster)!.add(digest),
    /** @param asked undefined where Git declares the application no more */
    look(asked: Asked | undefined, isByPerson: boolean): void {
      noteProven()
      for (; seen < hub.told.length; seen += 1) {
        const [cluster, digest] = hub.told[seen]!
        if (cluster !== 'c0' && !isByPerson) {
          if (asked && digest !== null) {
            const isBoth = [asked.c0.digest, asked[cluster as 'c1'].digest].every(
              (one) => one === digest,
            )
            const isNew = !proven.has(digest) && !known.get(cluster)!.has(digest)
            assert.ok(!(isBoth && isNew), `${cluster} got what the canary has not proven`)
          }
          if (!asked && digest === null) {
            assert.equal(has.get('c0') ?? null, null, `${cluster} lost it before the canary`)
          }
        }
        has.set(cluster, digest)
        known.get(cluster)!.add(digest)
      }
    },
  }
}

async function play(
  strategy: string,
  failing: Content | undefined,
  moves: readonly Move[],
): Promise<void> {
  const hub = await createDecidingHub(strategy, undefined, failing)
  const judge = createJudge(hub)
  let asked: Asked | undefined = { c0: contents[0]!, c1: contents[0]!, c2: contents[0]! }
  await hub.commit(asked)
  for (let turn = 0; turn < 3; turn += 1) await hub.goOn(5_000)
  judge.look(asked, false)
  for (const move of moves) {
    switch (move.kind) {
      case 'commit': {
        const { all, own } = move
        const next: Asked = {
          c0: all,
          c1: all,
          c2: all,
          ...(own && { [own.cluster]: own.content }),
        }
        asked = next
        for (const name of ['c1', 'c2'] as const) {
          if (next[name].digest !== all.digest) judge.know(name, next[name])
        }
        await hub.commit(next, ...(move.isCanaryLeft ? (['c0'] as const) : []))
        break
      }
      case 'leave':
        asked = undefined
        await hub.leave(...(move.isCanaryLeft ? (['c0'] as const) : []))
        break
      case 'fail':
        asked = undefined
        await hub.fail()
        break
      case 'restart': {
        const head = hub.head()
        await hub.restart()
        assert.equal(hub.head(), head, 'a hub that begins anew decides what was decided')
        break
      }
      case 'goOn':
        await hub.goOn(move.ms)
        break
      case 'act': {
        const runs = [...hub.state.runs.values()].filter(({ phase }) => phase !== 'Superseded')
        const run = runs.at(-1 - move.back)
        if (!run) break
        await hub.act(run.id, move.action as 'pause').catch(passRefusal)
        break
      }
    }
    judge.look(asked, move.kind === 'act')
  }
  await end(hub)
}

/** All is well, and people begin what waits for them: what Git asks arrives, and is gone once Git has it no more. */
async function end(hub: Hub): Promise<void> {
  hub.mend()
  for (const last of [final, undefined]) {
    await (last ? hub.commit({ c0: last, c1: last, c2: last }) : hub.leave())
    for (let turn = 0, still = 0; still < 3; turn += 1) {
      assert.ok(turn < 40, 'it moves for ever')
      const head = hub.head()
      for (const { id, phase } of hub.state.runs.values()) {
        if (finalPhases.has(phase)) continue
        if (phase === 'Planned') await hub.act(id, 'start').catch(passRefusal)
        if (phase !== 'Paused') continue
        await hub.act(id, 'retry').catch(passRefusal)
        await hub.act(id, 'resume').catch(passRefusal)
      }
      await hub.goOn(5_000)
      still = hub.head() === head ? still + 1 : 0
    }
    const open = [...hub.state.runs.values()].filter(({ phase }) => !finalPhases.has(phase))
    assert.deepEqual(open, [], 'every rollout ends')
    const has = [...hub.state.assignedTo.get('shop')!.values()].map(({ digest }) => digest)
    assert.deepEqual(new Set(has), new Set([last?.digest ?? null]), 'all is as Git asks')
  }
}

function passRefusal(error: unknown): void {
  if (!(error instanceof HubError)) throw error
}

test('I6: nobody gets, or loses, anything before the canary did, whatever Git and people ask meanwhile', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`seed ${seed}`)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(
        'supersede: replace',
        'supersede: queue',
        'supersede: replace, onFailure: rollback',
        'supersede: queue, onFailure: rollback',
      ),
      fc.option(fc.constant(contents.at(-1)), { nil: undefined }),
      fc.array(anyMove, { maxLength: 14, size: 'max' }),
      play,
    ),
    { numRuns: Number(process.env['RUNS'] ?? 150), seed },
  )
})
