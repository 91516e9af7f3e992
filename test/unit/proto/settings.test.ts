import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  describeSettings,
  explainSettings,
  findConfigFile,
  readSettings,
  type Setting,
  SettingsError,
  type SettingsInput,
  variableOf,
} from '@groundswell/proto/settings.ts'

const table: readonly Setting[] = [
  { key: 'data', flag: 'data', help: 'where', fallback: '/var' },
  { key: 'logLevel', flag: 'log-level', help: 'how much' },
  { key: 'token', flag: 'token', help: 'to join', secret: true },
  { key: 'loud', flag: 'loud', help: 'be loud', boolean: true },
]
const read = (input: Partial<SettingsInput>) =>
  readSettings(table, { argv: [], env: {}, prefix: 'X_', file: {}, ...input })

function faultsOf(input: Partial<SettingsInput>): readonly string[] {
  try {
    read(input)
  } catch (error) {
    assert.ok(error instanceof SettingsError)
    assert.equal(error.message, error.faults.join('\n'))
    return error.faults
  }
  return []
}

describe('readSettings', () => {
  test('a flag beats the environment, that the file, that the default', () => {
    const value = fc.option(fc.stringMatching(/^[a-z]{1,8}$/), { nil: undefined })
    fc.assert(
      fc.property(value, value, value, (flag, variable, member) => {
        const found = read({
          argv: flag === undefined ? [] : [`--data=${flag}`],
          env: { X_DATA: variable },
          file: member === undefined ? {} : { data: member },
        })
        const from = flag ? 'flag' : variable ? 'environment' : member ? 'file' : 'default'
        assert.deepEqual(found.get('data'), { value: flag ?? variable ?? member ?? '/var', from })
      }),
    )
  })

  test('what nobody set has no value; an empty variable counts as not set', () => {
    const found = read({ env: { X_LOG_LEVEL: '', X_DATA: '' } })
    assert.deepEqual([...found.keys()], ['data'])
    assert.equal(found.get('data')?.from, 'default')
  })

  test('plain values of the file become text, a flag without a value is true', () => {
    const found = read({ file: { logLevel: 5, data: true }, argv: ['--loud'] })
    assert.equal(found.get('logLevel')?.value, '5')
    assert.equal(found.get('data')?.value, 'true')
    assert.deepEqual(found.get('loud'), { value: 'true', from: 'flag' })
  })

  test('every fault is told at once', () => {
    const faults = faultsOf({
      argv: ['--dta', 'x', '--loud', '--verbose', '--token', '--data=y'],
      file: { dataa: 1, logLevel: ['x'], data: { a: 1 } },
    })
    for (const words of [/--dta/, /--verbose/, /--token/, /"dataa"/, /"logLevel"/, /"data"/]) {
      assert.equal(faults.filter((fault) => words.test(fault)).length, 1, String(words))
    }
  })

  test('a word that belongs to no flag is refused', () => {
    assert.equal(faultsOf({ argv: ['loud'] }).length, 1)
    assert.equal(faultsOf({ argv: ['--loud=yes'] }).length, 1)
  })
})

test('the variable of a flag is upper case with the prefix', () => {
  assert.equal(variableOf('GROUNDSWELL_HUB_', 'log-level'), 'GROUNDSWELL_HUB_LOG_LEVEL')
})

test('what is in force is explained with its origin, secrets only as set', () => {
  const settings = read({ argv: ['--token', 'hush'], env: { X_LOG_LEVEL: 'debug' } })
  const told = explainSettings(table, settings)
  assert.deepEqual(told, {
    data: '/var [default]',
    logLevel: 'debug [environment]',
    token: '(set) [flag]',
  })
})

test('a password in a URL is not explained: what is explained is logged', () => {
  const told = explainSettings(table, read({ env: { X_DATA: 'redis://me:hush@127.0.0.1:6379/0' } }))
  assert.equal(told['data'], 'redis://(hidden)@127.0.0.1:6379/0 [environment]')
})

test('help names each flag, its variable and its default', () => {
  const text = describeSettings(table, 'X_')
  for (const { flag } of table)
    assert.ok(text.includes(`--${flag}`) && text.includes(variableOf('X_', flag)))
  assert.match(text, /--data VALUE +where \(default \/var\)/)
  assert.doesNotMatch(text, /--loud VALUE/)
})

test('the configuration file is found however its flag is written', () => {
  const find = (argv: readonly string[], env: Record<string, string> = {}) =>
    findConfigFile({ argv, env, prefix: 'X_' })
  assert.equal(find(['--data', 'd', '--config', 'a.yaml']), 'a.yaml')
  assert.equal(find(['--config=a.yaml', '--loud']), 'a.yaml')
  assert.equal(find(['--config=a.yaml'], { X_CONFIG: 'b.yaml' }), 'a.yaml')
  assert.equal(find(['--loud'], { X_CONFIG: 'b.yaml' }), 'b.yaml')
  assert.equal(find(['--data', 'd']), undefined)
})

describe('B87: settings', () => {
  test('B87: a variable of ours that nobody knows is refused, those of Kubernetes are not', () => {
    const env = {
      ...{ X_DATTA: '1', X_LOGLEVEL: '2', OTHER: '3', X_DATA: '/d', XDATA: '4' },
      ...{
        X_SERVICE_HOST: '5',
        X_PORT: '6',
        X_PORT_80_TCP_ADDR: '7',
        X_API_SERVICE_PORT_HTTP: '8',
      },
    }
    assert.deepEqual(faultsOf({ env }), ['unknown variable X_DATTA', 'unknown variable X_LOGLEVEL'])
  })

  test('B87: a password on the command line is refused by its flag, with where it may be', () => {
    for (const value of ['redis://:hush@r:6379', 'rediss://me:hush@r', 'https://me:hush@git/x']) {
      const faults = faultsOf({ argv: ['--data', value] })
      assert.equal(faults.length, 1, value)
      assert.match(faults[0]!, /^--data: .* give it as X_DATA, or in the configuration file$/)
      assert.doesNotMatch(faults[0]!, /hush/)
    }
    for (const value of ['redis://r:6379', 'ssh://git@host:22/x', 'https://host/a:b@c']) {
      assert.deepEqual(faultsOf({ argv: ['--data', value] }), [], value)
    }
    assert.deepEqual(faultsOf({ env: { X_DATA: 'redis://:hush@r' } }), [])
  })

  test('a password in a URL that may have none is told which flag it goes by, not another place for the URL', () => {
    const table = [{ key: 'git', flag: 'git', help: 'a URL', credentialFlag: 'credentials' }]
    const input = { argv: ['--git', 'https://me:hush@git/x'], env: {}, prefix: 'X_', file: {} }
    assert.throws(() => readSettings(table, input), /--git: .* name that in --credentials$/)
  })

  test('B87: unknown keys and wrong types of the file, and what two sources say', () => {
    assert.deepEqual(faultsOf({ file: { datta: '/x', logLevel: ['a'] } }), [
      'configuration file: unknown setting "datta"',
      'configuration file: "logLevel" must be a plain value',
    ])
    const found = read({ argv: ['--data=/flag'], env: { X_DATA: '/env' }, file: { data: '/file' } })
    assert.deepEqual(found.get('data'), { value: '/flag', from: 'flag' })
  })
})
