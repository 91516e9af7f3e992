import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runProgram } from '../../../../hub/cli/program.ts'
import { CliFailure } from '../../../../hub/cli/failure.ts'
import type { Terminal } from '../../../../hub/cli/terminal.ts'
import { createFakeTerminal } from '../../../support/fake-terminal.ts'

/* Row B83: what people and scripts get wrong on a command line. Nobody is asked, nothing is written. */

async function run(words: readonly string[], more: Partial<Terminal> = {}) {
  let calls = 0
  const never = (): never => {
    calls += 1
    throw new Error('not in this test')
  }
  const { terminal, said } = createFakeTerminal({
    ...{ writeFile: never, replaceFile: never, removeFile: never, fetch: never },
    ...{ openProvider: never, openCheckout: never, openForge: never },
    migration: { read: never, write: never },
    ...more,
  })
  const code = await runProgram(words, terminal)
  return { ...said, calls, code }
}

describe('B83: a command line', () => {
  for (const [words, message] of [
    [['get', 'clusters', '--nope'], /unknown option '--nope'/],
    [['get', 'clusters', '-o'], /option '-o, --output <format>' argument missing/],
    [
      ['get', 'clusters', '-o', 'xml'],
      /argument 'xml' is invalid. Allowed choices are table, wide,/,
    ],
    [['get'], /missing required argument 'kind'/],
    [['get', 'clusters', 'a', 'b'], /too many arguments for 'get'/],
    [['gte', 'clusters'], /unknown command 'gte'/],
    [['get', 'nodes'], /unknown kind nodes/],
    [['get', '--', '--output'], /unknown kind --output/],
    [['get', 'rollouts', '-l', 'a=b'], /rollouts have no labels/],
    [['get', 'clusters', '--active'], /--application and --active are only for rollouts/],
    [['events', '--limit', '1e9'], /--limit/],
    [['events', '--limit', ''], /--limit/],
    [['token', 'create', 'ci', '--role', 'root'], /Allowed choices are viewer, operator, admin/],
    [['token', 'create', 'ci'], /a token without --role and --group could do nothing/],
    [['cluster', 'token', 'a', '--label', 'novalue'], /--label: not key=value: novalue/],
    [['login'], /no hub to log in to|--server/],
  ] as const) {
    it(`is refused: swell ${words.join(' ')}`, async () => {
      const env = words[0] === 'login' ? { HOME: '/home/ada' } : undefined
      const { code, out, err, calls } = await run(words, env && { env })
      assert.equal(code, 2, err)
      assert.match(err, message)
      assert.equal(out, '')
      assert.equal(calls, 0)
    })
  }

  it('takes the last of a flag that is given twice', async () => {
    const { err } = await run(['get', 'nodes', '-o', 'xml', '-o', 'json'])
    assert.match(err, /argument 'xml' is invalid/)
  })

  it('needs the file it names, and says which', async () => {
    // The terminal's own words for what is there and cannot be read.
    for (const [failure, words] of [
      [undefined, /^swell: \/no\/token: no token in this file\n/],
      ['EISDIR: illegal operation on a directory', /EISDIR/],
      ['EACCES: permission denied', /EACCES/],
    ] as const) {
      const { code, err } = await run(['fleet', '--token-file', '/no/token'], {
        readFile: async () => {
          if (failure !== undefined) throw new CliFailure(2, failure)
          return undefined
        },
      })
      assert.equal(code, 2)
      assert.match(err, words)
    }
  })

  it('takes no empty token from a file', async () => {
    const { code, err } = await run(['fleet', '--token-file', '/token'], {
      readFile: async (path) => (path === '/token' ? '\n' : undefined),
    })
    assert.equal(code, 2)
    assert.match(err, /^swell: \/token: no token in this file\n/)
  })

  it('confirms nothing where nobody sits', async () => {
    const page = {
      items: [
        {
          cluster: 'a',
          fingerprint: 'sha256:x',
          clusterId: 'i',
          clusterUid: 'u',
          since: '2026-01-01T00:00:00Z',
          replaces: false,
        },
      ],
      continue: null,
    }
    const asked: string[] = []
    const { code, err } = await run(['cluster', 'approve', 'a'], {
      fetch: async (url, init) => {
        asked.push(`${init.method} ${url.pathname}`)
        return Response.json(page)
      },
    })
    assert.equal(code, 2, err)
    assert.match(err, /give --fingerprint, as it stands in the log of the agent/)
    assert.deepEqual(asked, ['GET /api/v1/pending-clusters'])
  })
})
