import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resolveConnection } from '../../../../hub/cli/config.ts'

const file = `
currentContext: prod
contexts:
  prod: { server: https://prod.example/, token: prod-token }
  lab: { server: 'http://127.0.0.1:8080', tokenFile: /tokens/lab }
`
function terminal(files: Record<string, string>, env: Record<string, string> = {}) {
  return {
    env: { HOME: '/home/ada', ...env },
    readFile: async (path: string) => files[path],
    replaceFile: async (path: string, text: string) => void (files[path] = text),
    openProvider: () => Promise.reject(new Error('nobody asks')),
    now: () => 0,
  }
}
const withFile = (env: Record<string, string> = {}) =>
  terminal({ '/home/ada/.config/swell/config.yaml': file, '/tokens/lab': 'lab-token\n' }, env)

describe('resolveConnection', () => {
  it('takes the current context', async () => {
    assert.deepEqual(await resolveConnection({}, withFile()), {
      server: 'https://prod.example',
      token: 'prod-token',
    })
  })

  it('takes a named context, and its token from a file', async () => {
    assert.deepEqual(await resolveConnection({ context: 'lab' }, withFile()), {
      server: 'http://127.0.0.1:8080',
      token: 'lab-token',
    })
  })

  it('lets the environment win over the file, and flags over the environment', async () => {
    const env = { SWELL_SERVER: 'https://env.example', SWELL_TOKEN: 'env-token' }
    assert.deepEqual(await resolveConnection({}, withFile(env)), {
      server: 'https://env.example',
      token: 'env-token',
    })
    const flags = { server: 'https://flag.example', tokenFile: '/tokens/lab' }
    assert.deepEqual(await resolveConnection(flags, withFile(env)), {
      server: 'https://flag.example',
      token: 'lab-token',
    })
  })

  it("never sends a context's token to another server", async () => {
    const { token } = await resolveConnection({ server: 'https://other.example' }, withFile())
    assert.equal(token, undefined)
  })

  it("never sends the environment's token to a named context", async () => {
    const env = { SWELL_TOKEN: 'env-token' }
    const { token } = await resolveConnection({ context: 'prod' }, withFile(env))
    assert.equal(token, 'prod-token')
  })

  it('reads XDG_CONFIG_HOME', async () => {
    const files = { '/xdg/swell/config.yaml': file }
    const { server } = await resolveConnection({}, terminal(files, { XDG_CONFIG_HOME: '/xdg' }))
    assert.equal(server, 'https://prod.example')
  })

  const refused: [string, Parameters<typeof resolveConnection>, RegExp][] = [
    ['no server at all', [{}, terminal({})], /no hub to talk to/],
    ['an unknown context', [{ context: 'x' }, withFile()], /no context x/],
    ['an empty token file', [{ server: 'https://a', tokenFile: '/no' }, terminal({})], /no token/],
    ['a server that is no URL', [{ server: 'hub:1' }, terminal({})], /not the URL/],
    ['a URL with a password', [{ server: 'https://a:b@c' }, terminal({})], /not the URL/],
    [
      'an unknown member of the file',
      [{}, terminal({ '/home/ada/.config/swell/config.yaml': 'contexts: {}\nservers: x' })],
      /not a configuration/,
    ],
  ]
  for (const [what, given, message] of refused)
    it(`refuses ${what}`, async () => {
      await assert.rejects(resolveConnection(...given), {
        name: 'CliFailure',
        exitCode: 2,
        message,
      })
    })
})
