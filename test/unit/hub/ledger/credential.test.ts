import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '../../../../hub/errors.ts'
import { parseLedgerRemote } from '../../../../hub/ledger/address.ts'
import { parseLedgerCredential } from '../../../../hub/ledger/credential.ts'

const overHttps = parseLedgerRemote('https://git.example/ledger.git')
const overSsh = parseLedgerRemote('git@git.example:ledger.git')
const basic = { kind: 'basic', usernameFile: '/u', passwordFile: '/p' }
const ssh = { kind: 'ssh', keyFile: '/k', knownHostsFile: '/h' }

function faultsOf(value: unknown, address = overHttps): string {
  try {
    parseLedgerCredential(value, 'l.yaml', address)
  } catch (error) {
    assert.ok(error instanceof HubError && error.code === 'config_invalid', String(error))
    return error.message
  }
  return ''
}

test('what the ledger is pushed with goes to the host of its remote and nowhere else', () => {
  const hosts = ['git.example']
  assert.deepEqual(parseLedgerCredential(basic, 'l.yaml', overHttps), { hosts, ...basic })
  assert.deepEqual(parseLedgerCredential(ssh, 'l.yaml', overSsh), { hosts, ...ssh })
})

test('a credential that cannot be of this remote is refused, with the file and what to write', () => {
  assert.match(faultsOf(ssh), /^l\.yaml: `kind` is ssh; for the https URL .* it is basic$/)
  assert.match(faultsOf(basic, overSsh), /`kind` is basic; for the ssh URL .* it is ssh$/)
  assert.match(faultsOf(basic, parseLedgerRemote('/srv/l.git')), /needs no credential/)
  const secret = { namespace: 'a', name: 'b' }
  assert.match(faultsOf({ kind: 'basic', secret }), /`secret` is not read .* mount it/)
  assert.match(faultsOf({ kind: 'ssh', keyFile: '/k' }, overSsh), /needs .*`knownHostsFile`/)
  assert.match(faultsOf({ ledger: basic }), /`kind` is basic or ssh/)
  assert.match(faultsOf(null), /`kind` is basic or ssh/)
})
