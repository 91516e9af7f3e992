import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SettingsError } from '@groundswell/proto/settings.ts'
import { type HubConfig, parseConfig } from '../../../hub/config.ts'
import { HubError } from '../../../hub/errors.ts'

type Env = Record<string, string>
const parse = (argv: string[], env: Env = {}, file: Record<string, unknown> = {}): HubConfig =>
  parseConfig({ argv, env, prefix: 'GROUNDSWELL_HUB_', file }, '/state')

function faultsOf(argv: string[], env: Env = {}): readonly string[] {
  try {
    parse(argv, env)
  } catch (error) {
    assert.ok(error instanceof HubError && error.code === 'config_invalid', String(error))
    return error.faults.map(({ message }) => message)
  }
  return []
}

describe('parseConfig of the hub', () => {
  test('a fleet repository is all it needs', () => {
    const config = parse(['--fleet', 'https://git.example/fleet.git'])
    assert.equal(config.fleetUrl, 'https://git.example/fleet.git')
    assert.deepEqual([config.branch, config.path, config.fleetName], ['main', '.', 'groundswell'])
    assert.deepEqual([config.apiPort, config.enrolPort, config.dataPort], [8080, 8443, 8444])
    assert.deepEqual([config.intervalMs, config.workers], [30_000, 2])
    assert.deepEqual([config.data, config.host], ['/state/groundswell/hub', '127.0.0.1'])
    assert.deepEqual([config.redisUrl, config.allowFile], [undefined, false])
  })

  test('a replica needs a name and the Redis it shares; what it shares on disk may be elsewhere', () => {
    const fleet = ['--fleet', 'https://git.example/fleet.git']
    const alone = parse(fleet)
    assert.deepEqual([alone.replica, alone.shared], [undefined, alone.data])
    const one = parse([...fleet, '--replica', 'one', '--redis', 'redis://r', '--shared', '/s'])
    assert.deepEqual([one.replica, one.leaseMs, one.shared], ['one', 5_000, '/s'])
    const wrong = ['--replica', 'One', '--lease', '10ms']
    assert.equal(faultsOf([...fleet, ...wrong]).length, 3)
    const pushing = ['--ledger-remote', 'https://git.example/l']
    const two = parse([...fleet, '--replica', 'two', '--redis', 'redis://r', ...pushing])
    assert.equal(two.ledgerRemote, 'https://git.example/l')
  })

  test('the remote of the ledger has its credential in a file, and no password in its URL', () => {
    const fleet = ['--fleet', 'https://git.example/fleet.git']
    const pushing = (url: string, ...more: string[]) => [...fleet, '--ledger-remote', url, ...more]
    const file = ['--ledger-credential', '/l.yaml']
    assert.equal(parse(pushing('https://git.example/l', ...file)).ledgerCredentialFile, '/l.yaml')
    assert.equal(parse(pushing('/srv/ledger.git')).ledgerRemote, '/srv/ledger.git')
    const url = 'https://bot:s3cret@git.example/l'
    const readable =
      /--ledger-remote: everyone .* read a password .* name that in --ledger-credential$/
    assert.throws(() => parse(pushing(url, ...file)), readable)
    const faults = faultsOf(fleet, { GROUNDSWELL_HUB_LEDGER_REMOTE: url })
    assert.equal(faults.length, 1)
    assert.match(
      faults[0]!,
      /^--ledger-remote: .*password; put them in files, .*--ledger-credential$/,
    )
    assert.doesNotMatch(faults[0]!, /s3cret/)
    assert.match(faultsOf([...fleet, ...file]).join(), /^--ledger-credential: --ledger-remote says/)
    const signer = faultsOf(['--role', 'signer', '--sockets', '/s', ...file])
    assert.match(signer.join(), /--ledger-credential: is not for --role signer/)
  })

  test('front ends of one signer and one renderer may be replicas; those two may not', () => {
    const replica = ['--replica', 'two', '--redis', 'redis://r', '--sockets', '/s']
    const api = parse(['--role', 'api', ...replica, '--shared', '/c'])
    assert.deepEqual([api.replica, api.shared], ['two', '/c'])
    for (const role of ['renderer', 'signer']) {
      const faults = faultsOf(['--role', role, ...replica])
      assert.match(faults.join(), /--replica: is not for --role .* a whole hub, or its front end/)
    }
  })

  test('an authority outlives twenty certificates of agents', () => {
    const fleet = ['--fleet', 'https://git.example/fleet.git']
    const config = parse([...fleet, '--certificate-life', '2s', '--ca-life', '40s'])
    assert.deepEqual([config.certificateLifeMs, config.authorityLifeMs], [2_000, 40_000])
    assert.match(
      faultsOf([...fleet, '--ca-life', '479h']).join(),
      /--ca-life: at least .* 480h: 479h/,
    )
  })

  test('flags beat variables, those the file; REDIS_URL is the last word asked for', () => {
    const env = {
      GROUNDSWELL_HUB_BRANCH: 'env',
      GROUNDSWELL_HUB_PATH: 'env',
      REDIS_URL: 'redis://e',
    }
    const config = parse(['--branch', 'flag'], env, {
      branch: 'file',
      path: 'file',
      fleet: 'f',
      workers: 8,
    })
    assert.deepEqual([config.branch, config.path, config.fleetUrl], ['flag', 'env', 'f'])
    assert.deepEqual([config.workers, config.redisUrl], [8, 'redis://e'])
    assert.equal(parse(['--fleet=f', '--redis=redis://f'], env).redisUrl, 'redis://f')
  })

  test('the password of a Redis may come apart from its URL', () => {
    const env = { REDIS_URL: 'redis://r:6380', REDIS_PASSWORD: 'a/b@c' }
    assert.equal(parse(['--fleet=f'], env).redisUrl, 'redis://:a%2Fb%40c@r:6380')
    assert.match(faultsOf(['--fleet=f', '--redis=r:6379']).join(), /--redis: not a URL/)
  })

  test('agents are told a host they can dial', () => {
    const advertise = (...argv: string[]) => parse(['--fleet=f', ...argv]).advertise
    assert.equal(advertise(), '127.0.0.1')
    assert.equal(advertise('--host=0.0.0.0'), 'localhost')
    assert.equal(advertise('--host=::'), 'localhost')
    assert.equal(advertise('--host=0.0.0.0', '--advertise=hub.example'), 'hub.example')
  })

  test('every fault is told at once', () => {
    const faults = faultsOf([
      '--interval=soon',
      '--offline-grace=5',
      '--api-port=http',
      '--enrol-port=65536',
      '--data-port=1.5',
      '--workers=0',
      '--name=Not_DNS',
      '--log-level=loud',
    ])
    for (const words of [
      /^--fleet/,
      /^interval/,
      /^offlineGrace/,
      /^apiPort/,
      /^enrolPort/,
      /^dataPort/,
      /^--workers/,
      /^--name/,
      /^--log-level/,
    ]) {
      assert.equal(faults.filter((fault) => words.test(fault)).length, 1, String(words))
    }
    assert.equal(faults.length, 9)
  })

  test('numbers that are none are refused', () => {
    for (const workers of ['', '65', '1.5', 'NaN', '-1', '1e9']) {
      assert.equal(faultsOf(['--fleet=f', `--workers=${workers}`]).length, 1, workers)
    }
    assert.deepEqual(faultsOf(['--fleet=f', '--api-port=0']), [])
  })

  test('Git is not asked without a pause', () => {
    assert.equal(faultsOf(['--fleet=f', '--interval=0s']).length, 1)
  })

  test('a flag or member of the file nobody knows is refused', () => {
    assert.throws(() => parse(['--fleet=f', '--port=1']), SettingsError)
    assert.throws(() => parse(['--fleet=f'], {}, { fleeet: 'x' }), SettingsError)
  })
})
