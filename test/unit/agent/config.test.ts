import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AgentConfig, parseConfig } from '../../../agent/config.ts'
import { AgentError } from '../../../agent/errors.ts'
import type { VaultPlace } from '../../../agent/secrets/vault-settings.ts'

const parse = (argv: string[], file: Record<string, unknown> = {}): AgentConfig =>
  parseConfig({ argv, env: {}, prefix: 'GROUNDSWELL_AGENT_', file }, '/state')

describe('parseConfig of the agent', () => {
  test('nothing needs to be said', () => {
    assert.deepEqual(parse([]), {
      hub: undefined,
      token: undefined,
      tokenFile: undefined,
      cluster: undefined,
      data: '/state/groundswell/agent',
      identitySecret: undefined,
      trustSecret: undefined,
      contentSecret: undefined,
      lease: undefined,
      sopsKeys: undefined,
      vault: undefined,
      holdNamespace: undefined,
      kubeconfig: undefined,
      context: undefined,
      logLevel: 'info',
      otlp: undefined,
      healthPort: undefined,
    })
  })

  test('each context has a data directory of its own, which no context can lead out of', () => {
    assert.equal(parse(['--context', 'kind-a']).data, '/state/groundswell/agent-kind-a')
    const { data } = parse(['--context', '../../etc/x'])
    assert.equal(data, '/state/groundswell/agent-.._.._etc_x')
    assert.equal(parse(['--context', 'a', '--data', '/here']).data, '/here')
  })

  test('SOPS keys are in a Secret, a directory or nowhere', () => {
    const keys = (text: string) => parse(['--sops-keys', text]).sopsKeys
    assert.deepEqual(keys('ops/keys'), { namespace: 'ops', name: 'keys' })
    assert.deepEqual(keys('/run/keys'), { directory: '/run/keys' })
    assert.deepEqual(keys('./keys'), { directory: './keys' })
    assert.equal(keys('off'), 'off')
    assert.throws(() => keys('keys'), { code: 'config_invalid', message: /--sops-keys: not/ })
  })

  test('a Vault is an https address with a role, or off; all that is wrong is said at once', () => {
    const vault = (...words: string[]) => parse(['--vault', ...words]).vault
    assert.equal(vault('off'), 'off')
    assert.deepEqual(vault('https://vault.example:8200', '--vault-role', 'agent'), {
      address: 'https://vault.example:8200',
      role: 'agent',
      authPath: 'kubernetes',
      namespace: undefined,
      caFile: undefined,
      tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
      paths: undefined,
      interval: 300_000,
    })
    const more = ['--vault-auth-path', '/k8s/edge/', '--vault-interval', '90s']
    const { authPath, interval, paths } = vault(
      ...['http://127.0.0.1:8200', '--vault-role', 'agent', ...more],
      ...['--vault-paths', 'kv/data/{namespace}/*, kv/data/shared'],
    ) as VaultPlace
    assert.deepEqual([authPath, interval], ['k8s/edge', 90_000])
    assert.deepEqual(paths, ['kv/data/{namespace}/*', 'kv/data/shared'])
    assert.throws(() => vault('https://u:p@vault', '--vault-role', 'agent'), /--vault: everyone/)
    for (const address of ['http://vault.example', 'vault:8200', 'ftp://127.0.0.1']) {
      assert.throws(() => vault(address, '--vault-role', 'a'), /--vault: not an https/, address)
    }
    assert.throws(
      () => vault('http://vault', '--vault-interval', '5', '--vault-auth-path', 'a b'),
      (error: Error) =>
        ['--vault:', '--vault-role:', '--vault-auth-path:', '--vault-interval:'].every((flag) =>
          error.message.includes(flag),
        ),
    )
    assert.throws(() => vault('https://v', '--vault-role', 'a', '--vault-interval', '1ms'), /1s at/)
  })

  test('a hub is host and port, IPv6 in brackets', () => {
    for (const hub of ['hub:8443', '10.0.0.1:1', 'hub.example.com:65535', '[::1]:8443']) {
      assert.equal(parse(['--hub', hub]).hub, hub)
    }
    for (const hub of [
      'hub',
      'hub:',
      ':8443',
      'https://hub:8443',
      '::1:8443',
      'hub:99999',
      'hub:x',
      'a b:1',
    ]) {
      assert.throws(() => parse([`--hub=${hub}`]), { code: 'config_invalid' }, hub)
    }
  })

  test('every fault is told at once', () => {
    assert.throws(
      () => parse(['--hub', 'nowhere', '--log-level', 'loud'], { healthPort: 70_000 }),
      (error) => {
        assert.ok(error instanceof AgentError)
        assert.equal(error.code, 'config_invalid')
        for (const words of ['--hub', '--log-level', '--health-port']) {
          assert.ok(error.message.includes(words), error.message)
        }
        return true
      },
    )
  })

  test('secrets for identity and trust state are a namespace and a name, or off', () => {
    const name = { namespace: 'a-b', name: 'c.d' }
    for (const key of ['trust', 'identity'] as const) {
      const read = (text: string) => parse([`--${key}-secret=${text}`])[`${key}Secret`]
      assert.deepEqual(read('a-b/c.d'), name)
      assert.equal(read('off'), 'off')
      for (const secret of ['on', 'a', 'a/', '/b', 'a/b/c', 'A/b', 'a/../b', 'a/b%2f']) {
        assert.throws(() => read(secret), { code: 'config_invalid' }, secret)
      }
    }
  })

  test('a health port is a number', () => {
    assert.equal(parse(['--health-port', '8081']).healthPort, 8081)
    assert.throws(() => parse(['--health-port=-1']), { code: 'config_invalid' })
    assert.throws(() => parse(['--health-port', '']), { code: 'config_invalid' })
  })
})
