import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, after, before, test } from 'node:test'
import { inspect } from 'node:util'
import { readLedgerCredential } from '../../hub/fs.ts'
import { type GitLedger, type LedgerFault, openLedger } from '../../hub/ledger/git.ts'
import { createSeal } from '../../hub/replica/seal.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { type GitSsh, startGitSsh } from '../support/git-ssh.ts'
import { readRemoteLedger } from '../support/ledger-branch.ts'
import { readFiles } from '../support/sinks.ts'
import { createTempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

/* The ledger's remote behind a password and behind an SSH key: pushed to and caught up with, by credentials
   that are in their files alone. Git is called by a program that writes its arguments down. */

const stack = new AsyncDisposableStack()
const [right, wrong] = [randomBytes(18).toString('hex'), randomBytes(18).toString('hex')]
const seal = createSeal(Buffer.from('of this fleet'), 'ledger-remote')
const given = process.env['PATH']!
let git: GitServer
let ssh: GitSsh
let directory: string
const at = (name: string) => join(directory, name)

before(async () => {
  git = stack.use(await startGitServer({ basicAuth: { user: 'bot', password: right } }))
  ssh = stack.use(await startGitSsh())
  directory = stack.use(await createTempDir('ledger credentials')).path
  await mkdir(at('bin'))
  for (const program of ['git', 'ssh']) {
    const real = execFileSync('which', [program], { encoding: 'utf8' }).trim()
    const lines = [`echo "${program} $*" >> '${at('arguments')}'`, `exec '${real}' "$@"`]
    await writeFile(at(`bin/${program}`), ['#!/bin/sh', ...lines, ''].join('\n'))
    await chmod(at(`bin/${program}`), 0o755)
  }
  process.env['PATH'] = `${at('bin')}:${given}`
})
after(async () => {
  process.env['PATH'] = given
  await stack.disposeAsync()
})

interface Opened {
  readonly ledger: GitLedger
  readonly warnings: string[]
  readonly faults: ReadonlySet<LedgerFault>
}

async function open(t: TestContext, name: string, url: string, file: string): Promise<Opened> {
  const faults = new Set<LedgerFault>()
  const warnings: string[] = []
  const ledger = await openLedger(at(name), {
    clock: () => 1_700_000_000_000,
    author: { name: 'Hub', email: 'hub@test' },
    remote: { url, credential: () => readLedgerCredential(file, url), seal },
    commitInterval: 20,
    log: (_, message, error) => void warnings.push(describe(message, error)),
    onFault: (fault, is) => void (is ? faults.add(fault) : faults.delete(fault)),
  })
  t.after(() => ledger.close())
  return { ledger, warnings, faults }
}

/** All that a log could say, its causes and their fields included. */
const describe = (message: string, error: unknown): string =>
  `${message}: ${inspect(error, { depth: Infinity })}`

const decide = (ledger: GitLedger, revision: string) =>
  ledger.append('alice', [{ type: 'fleet.accepted', revision }])
const untilPushed = (path: string, count: number) =>
  until(async () => (await readRemoteLedger(path)).length === count, {
    ...{ deadlineMs: 20_000, what: `${count} entries at the remote` },
  })

async function assertNowhere(warnings: readonly string[], secrets: readonly string[]) {
  const told = new Map([['log', warnings.join('\n')]])
  told.set('arguments', await readFile(at('arguments'), 'utf8'))
  for (const name of ['http one', 'http two', 'ssh one', 'ssh two']) {
    for (const [path, text] of await readFiles(at(name)).catch(() => [])) told.set(path, text)
  }
  const leaks = secrets.flatMap((secret) =>
    [secret, ...[secret, `bot:${secret}`].map((text) => Buffer.from(text).toString('base64'))]
      .flatMap((text) => [...told].filter(([, said]) => said.includes(text)))
      .map(([place]) => place),
  )
  assert.deepEqual(leaks, [])
  return told
}

test('a password pushes the ledger and catches up with it; a rotated one is used at once', async (t) => {
  const ledger = await git.createRepository('ledger')
  const url = git.url('ledger')
  const file = at('basic.yaml')
  await writeFile(at('user'), 'bot\n')
  await writeFile(at('password'), `${right}\n`)
  await writeFile(
    file,
    `{ kind: basic, usernameFile: '${at('user')}', passwordFile: '${at('password')}' }`,
  )
  const one = await open(t, 'http one', url, file)
  await decide(one.ledger, 'r1')
  await untilPushed(ledger.path, 1)

  await writeFile(at('password'), `${wrong}\n`)
  await decide(one.ledger, 'r2')
  await until(() => one.faults.has('ledger_unpushed'), {
    ...{ deadlineMs: 20_000, what: 'the wrong password to be refused' },
  })
  const said = one.warnings.join('\n')
  assert.match(said, /ledger's remote http:.* cannot be read: the server refused the credential/)
  await writeFile(at('password'), `${right}\n`)
  await untilPushed(ledger.path, 2)
  await until(() => !one.faults.has('ledger_unpushed'), {
    ...{ deadlineMs: 10_000, what: 'the fault to be over' },
  })

  const two = await open(t, 'http two', url, file)
  assert.deepEqual(two.ledger.end, one.ledger.end)
  const told = await assertNowhere([...one.warnings, ...two.warnings], [right, wrong])
  for (const command of ['push', 'ls-remote', 'fetch']) {
    const asked = new RegExp(`^git ${command} .*${url}`, 'm').test(told.get('arguments')!)
    assert.ok(asked, `the arguments of ${command} were seen`)
  }
})

test('a hub with nothing of its own does not begin anew where the credential is refused', async (t) => {
  await git.createRepository('refused')
  await writeFile(at('user'), 'bot\n')
  await writeFile(at('other'), `${wrong}\n`)
  const file = at('refused.yaml')
  await writeFile(
    file,
    `{ kind: basic, usernameFile: '${at('user')}', passwordFile: '${at('other')}' }`,
  )
  const opening = open(t, 'refused', git.url('refused'), file)
  await assert.rejects(opening, (error: Error) => {
    const words = describe('it ends', error)
    assert.match(words, /cannot be read: the server refused the credential/)
    assert.ok(!words.includes(wrong))
    return true
  })
})

test('an SSH key and known hosts push the ledger and catch up with it', async (t) => {
  const ledger = await ssh.createRepository('ledger')
  const url = ssh.url('ledger')
  const file = at('ssh.yaml')
  await writeFile(at('key'), await readFile(ssh.identityFile), { mode: 0o600 })
  await writeFile(at('known'), await readFile(ssh.knownHostsFile))
  await writeFile(file, `{ kind: ssh, keyFile: '${at('key')}', knownHostsFile: '${at('known')}' }`)
  const one = await open(t, 'ssh one', url, file)
  await decide(one.ledger, 'r1')
  await untilPushed(ledger.path, 1)

  await writeFile(at('known'), '')
  await decide(one.ledger, 'r2')
  await until(() => one.faults.has('ledger_unpushed'), {
    ...{ deadlineMs: 20_000, what: 'the unknown host to be refused' },
  })
  assert.match(one.warnings.join('\n'), /SSH host key is not in the known_hosts file/)
  await writeFile(at('known'), await readFile(ssh.knownHostsFile))
  await untilPushed(ledger.path, 2)

  const two = await open(t, 'ssh two', url, file)
  assert.deepEqual(two.ledger.end, one.ledger.end)
  const key = (await readFile(ssh.identityFile, 'utf8')).split('\n')[1]!
  const told = await assertNowhere([...one.warnings, ...two.warnings], [key])
  const asked = /^ssh .*StrictHostKeyChecking=yes/m.test(told.get('arguments')!)
  assert.ok(asked, 'the arguments of ssh were seen')
})
