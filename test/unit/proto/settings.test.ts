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
  const told = explainSettings(
    table,
    read({ argv: ['--data', 'redis://me:hush@127.0.0.1:6379/0'] }),
  )
  assert.equal(told['data'], 'redis://(hidden)@127.0.0.1:6379/0 [flag]')
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
