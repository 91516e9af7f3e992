import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type HubConfig, parseConfig } from '../../../hub/config.ts'
import { settingsTable } from '../../../hub/settings-table.ts'
import { HubError } from '../../../hub/errors.ts'
import { listForeignSettings } from '../../../hub/role.ts'

const prefix = 'GROUNDSWELL_HUB_'
const parse = (...argv: string[]): HubConfig =>
  parseConfig({ argv, env: {}, prefix, file: {} }, '/state')

function faultsOf(...argv: string[]): string {
  try {
    parse(...argv)
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    return error.message
  }
  return ''
}

describe('roles', () => {
  test('each needs what is its own, and a directory of its own', () => {
    const apart = ['--sockets', '/run/gs']
    const signer = parse('--role', 'signer', ...apart)
    assert.deepEqual([signer.role, signer.data], ['signer', '/state/groundswell/signer'])
    assert.equal(parse('--role', 'api', ...apart).data, '/state/groundswell/hub')
    const renderer = ['--role', 'renderer', ...apart, '--fleet', 'https://git.example/f.git']
    assert.match(faultsOf(...renderer), /--redis/)
    assert.equal(parse(...renderer, '--redis', 'redis://r').data, '/state/groundswell/renderer')
    assert.match(faultsOf('--role', 'renderer', ...apart), /--fleet/)
    assert.match(faultsOf('--role', 'api'), /--sockets/)
    assert.match(faultsOf('--role', 'front'), /--role: one of all, api, renderer, signer/)
  })

  test('refuse by name a setting of another role on the command line', () => {
    const signer = ['--role', 'signer', '--sockets', '/run/gs']
    for (const [flag, value] of [
      ['--credentials', 'c.yaml'],
      ['--redis', 'redis://r'],
      ['--tokens', 't.yaml'],
      ['--fleet', 'https://git.example/f.git'],
    ] as const) {
      assert.match(
        faultsOf(...signer, flag, value),
        new RegExp(`${flag}: is not for --role signer`),
      )
    }
    const api = ['--role', 'api', '--sockets', '/run/gs']
    assert.match(
      faultsOf('--role', 'signer', '--sockets', '/s', '--replica', 'one'),
      /--replica: is not for --role signer; a replica is a whole hub, or its front end/,
    )
    assert.match(faultsOf(...api, '--signer-policy', 'p'), /--signer-policy/)
    assert.match(faultsOf(...api, '--credentials', 'c'), /--credentials/)
    assert.match(faultsOf('--fleet', 'https://git.example/f.git', ...api.slice(2)), /--sockets/)
  })

  test('only warn of one from a file or an environment that they may share', () => {
    const settings = new Map([['tokens', { value: 't', from: 'environment' as const }]])
    const { faults, warnings } = listForeignSettings('renderer', settingsTable, settings)
    assert.deepEqual(faults, [])
    assert.match(warnings[0]!, /--tokens: is not for --role renderer/)
    assert.deepEqual(listForeignSettings('api', settingsTable, settings).warnings, [])
  })

  test('every setting is of all roles or of some that are named', () => {
    const everywhere = settingsTable
      .map(({ key }) => key)
      .filter((key) =>
        (['api', 'renderer', 'signer'] as const).every(
          (role) =>
            listForeignSettings(
              role,
              settingsTable,
              new Map([[key, { value: 'x', from: 'flag' as const }]]),
            ).faults.length === 0,
        ),
      )
    assert.deepEqual(everywhere.sort(), [
      ...['config', 'data', 'help', 'host', 'logLevel', 'name', 'role', 'sockets'],
    ])
  })
})
