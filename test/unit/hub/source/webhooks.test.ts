import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { createWebhooks } from '../../../../hub/source/webhooks.ts'
import { tells } from '../../../support/exact-words.ts'

const body = Buffer.from('{}')
const sign = (secret: string) => ({
  'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
})

function createWorld() {
  const world = { at: 0, logged: [] as string[], hinted: [] as string[] }
  const receive = createWebhooks({
    secretsOf: (name) => (name === 'open' ? [] : ['shh']),
    hint: async (name) => {
      world.hinted.push(name)
      return name !== 'nobody'
    },
    log: (message) => world.logged.push(message),
    now: () => world.at,
  })
  const refused = async (name: string, headers: Record<string, string>) =>
    receive(name, headers, body).then(
      () => assert.fail('it was accepted'),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'unauthenticated')
        return error.message
      },
    )
  return { world, receive, refused }
}

test('a webhook with the right signature is a hint for its repository', async () => {
  const { world, receive } = createWorld()
  await receive('apps', sign('shh'), body)
  assert.deepEqual([world.hinted, world.logged], [['apps'], []])
})

test('B61, B63, T34: the sender is told what is wrong with the request, and not what there is', async () => {
  const { world, refused } = createWorld()
  tells('B61: what its sender is told of no signature', await refused('apps', {}))
  tells('B61: what its sender is told of no signature', await refused('open', {}))
  const other = 'B61, B63: what its sender is told of a signature that no secret makes'
  tells(other, await refused('apps', sign('wrong')))
  tells(other, await refused('open', sign('wrong')))
  tells(other, await refused('nobody', sign('wrong')))
  tells(other, await refused('nobody', sign('shh')))
  assert.deepEqual(world.hinted, ['nobody'])
})

test('the log says why, each reason once in a minute', async () => {
  const { world, refused } = createWorld()
  for (let count = 0; count < 3; count += 1) {
    await refused('open', sign('shh'))
    await refused('nobody', sign('shh'))
  }
  assert.deepEqual(world.logged, [
    'a webhook of "open" was refused: no webhook secret is configured: --webhook-secret-file',
    'a webhook of "nobody" was refused: there is no repository of this name',
  ])
  world.at = 60_000
  await refused('open', sign('shh'))
  assert.equal(world.logged.length, 3)
})
