import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listLedgerRemoteFaults, parseLedgerRemote } from '../../../../hub/ledger/address.ts'

const file = '/run/secrets/ledger.yaml'
const faultsOf = (ledgerRemote?: string, ledgerCredentialFile?: string): string[] =>
  listLedgerRemoteFaults({ ledgerRemote, ledgerCredentialFile })

test('the ledger goes to a Git server or to a directory of this machine', () => {
  for (const [url, protocol, host] of [
    ['https://git.example/ledger.git', 'https', 'git.example'],
    ['ssh://git@git.example:2222/ledger.git', 'ssh', 'git.example'],
    ['git@git.example:ops/ledger.git', 'ssh', 'git.example'],
    ['/srv/of the fleet/ledger.git', 'file', ''],
    ['file:///srv/ledger.git', 'file', ''],
  ] as const) {
    assert.deepEqual(parseLedgerRemote(url), { protocol, host, url })
  }
})

test('a URL with a user name or password in it is refused with the flag to use, and is not told', () => {
  for (const url of [
    'https://bot:s3cret@git.example/l',
    'https://s3cret@git.example/l',
    'HTTPS://bot:s3cret@git.example/l',
    'ssh://git:s3cret@git.example/l',
  ]) {
    for (const credential of [undefined, file]) {
      const faults = faultsOf(url, credential)
      assert.equal(faults.length, 1, url)
      assert.match(faults[0]!, /^--ledger-remote: .* name those in --ledger-credential$/)
      assert.doesNotMatch(faults[0]!, /s3cret/)
    }
  }
})

test('what no Git server is reached by is refused', () => {
  for (const url of ['ext::sh -c id', '--upload-pack=id', 'ledger.git', 'https://h/l?token=x']) {
    assert.equal(faultsOf(url, file).length, 1, url)
  }
})

test('remote and credential have to go together', () => {
  assert.deepEqual(faultsOf(), [])
  assert.deepEqual(faultsOf('https://git.example/l'), [])
  assert.deepEqual(faultsOf('https://git.example/l', file), [])
  assert.deepEqual(faultsOf('http://127.0.0.1:3000/l', file), [])
  assert.match(faultsOf(undefined, file).join(), /--ledger-remote says what it is for/)
  assert.match(faultsOf('git@git.example:l').join(), /--ledger-credential: an SSH URL needs one/)
  assert.match(faultsOf('http://git.example/l', file).join(), /sent over https only/)
})
