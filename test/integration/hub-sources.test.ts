import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { SourceView } from '../../hub/api/source-view.ts'
import { asFlags, createSshHand, type SigningHand } from '../support/git-signing.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { until } from '../support/until.ts'

describe('the sources of a hub as a process', () => {
  it('no commit of the fleet repository is taken that its signers did not sign, and the last good one stays', async () => {
    await using world = await createSurroundings()
    const { directory, repository } = world
    const [ann, mallory] = [
      await createSshHand(directory, 'ann'),
      await createSshHand(directory, 'mallory'),
    ]
    const allowed = join(directory, 'allowed')
    const signers = join(directory, 'signers.yaml')
    await writeFile(allowed, `ann@example.com ${ann.publicKey}\n`)
    await writeFile(signers, `release: { allowedSignersFile: ${JSON.stringify(allowed)} }\n`)
    const commit = async (hand?: SigningHand): Promise<string> => {
      const flags = hand ? [...asFlags(hand), 'commit', '-S'] : ['commit']
      await repository.git(...flags, '--quiet', '--allow-empty', '--message', 'Change')
      await repository.git('push', '--quiet', '--force', 'origin', 'HEAD:main')
      return repository.git('rev-parse', 'HEAD')
    }
    const good = await commit(ann)
    const hub = await world.start({
      interval: '200ms',
      args: ['--signers', signers, '--fleet-signers', 'release'],
    })
    await untilReady(hub)
    const see = async () => hub.api.get<SourceView>('sources/fleet')
    const untilFailing = async (words: RegExp) =>
      until(
        async () => {
          const { failure } = await see()
          if (failure && words.test(failure.message)) return failure
          throw new Error(failure?.message ?? 'it does not fail')
        },
        { deadlineMs: 10_000, what: `a failure like ${String(words)}` },
      )
    assert.match((await see()).signer ?? '', /^ann@example\.com SHA256:/)

    for (const [hand, words] of [
      [undefined, /the commit is refused: it is not signed; signers: release$/],
      [mallory, /the commit is refused: its key is none of the signers; signers: release$/],
    ] as const) {
      await commit(hand)
      const failure = await untilFailing(words)
      assert.equal(failure.code, 'source_refused')
      assert.equal((await see()).revision, `main@sha1:${good}`)
      const fleet = await hub.api.get<{ revision: string }>('fleet')
      assert.equal(fleet.revision, `main@sha1:${good}`)
    }

    // Whose signatures count is the hub's to say: a key that is added there is good at the next look.
    await writeFile(
      allowed,
      `ann@example.com ${ann.publicKey}\nmallory@example.com ${mallory.publicKey}\n`,
    )
    await until(
      async () => {
        const { failure, signer } = await see()
        return failure === null && signer?.startsWith('mallory@')
      },
      { deadlineMs: 10_000, what: 'the commit to be taken' },
    )
  })
})
