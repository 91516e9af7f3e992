import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Redis } from 'ioredis'
import { freePort } from '../support/free-port.ts'
import { createSurroundings, runRefused, untilReady } from '../support/hub-surroundings.ts'
import { startRedis } from '../support/redis.ts'
import { createTempDir } from '../support/temp-dir.ts'

describe('a hub that must not start, and says why', () => {
  it('F14: refuses a Redis that evicts, saying what to set', async () => {
    await using world = await createSurroundings()
    await using redis = await startRedis()
    const client = new Redis(redis.url)
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    client.disconnect()
    const data = join(world.directory, 'evicting')
    const refused = await runRefused([
      ...['--fleet', world.fleetUrl, '--data', data, '--redis', redis.url],
    ])
    assert.equal(refused.code, 1)
    assert.match(refused.words, /maxmemory-policy allkeys-lru.*set it to noeviction/)
    assert.doesNotMatch(refused.words, /\n +at /)
  })

  it('refuses a Redis in which a hub of another fleet is at work under its name', async () => {
    await using world = await createSurroundings()
    await using redis = await startRedis()
    const hub = await world.start({ redisUrl: redis.url })
    await untilReady(hub)
    const of = ['--fleet', world.fleetUrl, '--redis', redis.url]
    const data = join(world.directory, 'other')
    const refused = await runRefused([...of, '--data', data])
    assert.equal(refused.code, 1)
    assert.match(
      refused.words,
      /hub of another fleet .* give one of them another --name or --redis/,
    )
    assert.doesNotMatch(refused.words, /\n +at /)
    // Its own comes back at once.
    await hub.kill()
    await hub.start()
  })

  it('names every wrong setting at once', async () => {
    await using directory = await createTempDir('hub-settings')
    const refused = await runRefused([
      ...['--data', directory.path, '--api-port', '99999', '--interval', 'soon'],
      ...['--workers', '0', '--name', 'Not A Name', '--log-level', 'loud'],
    ])
    assert.equal(refused.code, 1)
    for (const word of [
      /api-?port: not a port: 99999/i,
      /interval.*soon/,
      /--workers/,
      /--name/,
      /--log-level/,
      /--fleet/,
    ]) {
      assert.match(refused.words, word)
    }
    assert.doesNotMatch(refused.words, /\n +at /)
  })

  it('names an unknown flag, a wrong configuration file and one that cannot be read', async () => {
    await using directory = await createTempDir('hub-settings')
    const flag = await runRefused(['--flet', 'https://git.example/fleet'])
    assert.equal(flag.code, 1)
    assert.match(flag.words, /--flet/)
    const missing = join(directory.path, 'nowhere.yaml')
    const unreadable = await runRefused(['--config', missing])
    assert.equal(unreadable.code, 1)
    assert.match(unreadable.words, /nowhere\.yaml/)
    const broken = join(directory.path, 'broken.yaml')
    await writeFile(broken, 'fleet: [\n')
    const malformed = await runRefused(['--config', broken])
    assert.equal(malformed.code, 1)
    assert.match(malformed.words, /broken\.yaml/)
    const unknown = join(directory.path, 'unknown.yaml')
    await writeFile(unknown, 'fleett: https://git.example/fleet\n')
    const member = await runRefused(['--config', unknown])
    assert.equal(member.code, 1)
    assert.match(member.words, /fleett/)
    for (const { words } of [flag, unreadable, malformed, member]) {
      assert.doesNotMatch(words, /\n +at /, 'words, not a stack')
    }
  })

  it('names the port that is in use, and leaves nothing running', async () => {
    await using world = await createSurroundings()
    const port = await freePort()
    const squatter = createServer().listen(port, '127.0.0.1')
    await once(squatter, 'listening')
    try {
      for (const flag of ['--api-port', '--enrol-port', '--data-port']) {
        const data = join(world.directory, `port${flag}`)
        const refused = await runRefused([
          ...['--fleet', world.fleetUrl, '--data', data, flag, String(port)],
        ])
        assert.equal(refused.code, 1, `${flag}: ${refused.words}`)
        assert.match(refused.words, new RegExp(String(port)), flag)
        assert.doesNotMatch(refused.words, /\n +at /, `${flag}: words, not a stack`)
      }
    } finally {
      squatter.close()
    }
  })

  it('refuses a URL of fleet or ledger with a password in it, and does not repeat the password', async () => {
    await using directory = await createTempDir('hub-url')
    const url = 'https://robot:hunter2hunter2@git.example/fleet'
    const file = join(directory.path, 'hub.yaml')
    await writeFile(file, `fleet: ${url}\n`)
    const pushing = join(directory.path, 'ledger.yaml')
    await writeFile(pushing, `ledgerRemote: ${url}\n`)
    const fleet = ['--fleet', 'https://git.example/fleet']
    // On the command line anybody on the machine sees it; and a URL is no place for it anywhere.
    const told = [
      [['--fleet', url], /--fleet: everyone on the machine can read a password there/],
      [['--config', file], /credential/],
      [[...fleet, '--ledger-remote', url], /--ledger-remote: .* name that in --ledger-credential/],
      [[...fleet, '--config', pushing], /--ledger-remote: .* name those in --ledger-credential/],
    ] as const
    for (const [args, words] of told) {
      const refused = await runRefused([...args, '--data', directory.path])
      assert.equal(refused.code, 1)
      assert.match(refused.words, words)
      assert.doesNotMatch(refused.words, /hunter2/)
      assert.doesNotMatch(refused.words, /\n +at /)
    }
  })

  it('a Git that is too old is refused with its version, the one that is needed, and what to do', async () => {
    await using world = await createSurroundings()
    const bin = join(world.directory, 'bin')
    await mkdir(bin)
    const given = process.env['PATH']!
    const answer = '[ "$1" = --version ] && echo "git version 2.36.6" && exit'
    const script = ['#!/bin/sh', answer, `PATH='${given}' exec git "$@"`, ''].join('\n')
    await writeFile(join(bin, 'git'), script, { mode: 0o755 })
    const refused = await runRefused(
      ['--fleet', world.fleetUrl, '--data', join(world.directory, 'old')],
      `${bin}:${given}`,
    )
    assert.equal(refused.code, 1)
    assert.match(refused.words, /`git` on PATH is 2\.36\.6; 2\.37 or newer is needed\. Install/)
    assert.doesNotMatch(refused.words, /\n +at /)
  })

  it('a second hub on one data directory is refused; the first is unharmed', async () => {
    await using world = await createSurroundings()
    const hub = await world.start()
    await untilReady(hub)
    const second = await runRefused(['--fleet', world.fleetUrl, '--data', hub.data])
    assert.equal(second.code, 1)
    assert.match(second.words, new RegExp(`process ${hub.process().pid}`))
    await hub.api.post('clusters/a/tokens')
    assert.equal(hub.process().running, true)
    // A lock that outlived its hub is no lock.
    await hub.kill()
    await hub.start()
    await untilReady(hub)
    await hub.api.post('clusters/b/tokens')
  })
})
