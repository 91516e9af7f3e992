import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { buildSwell } from '../../deploy/build/swell.mjs'
import { setUpShells } from '../../deploy/setup/shells.mjs'
import { startApi, type TestApi } from '../support/api.ts'
import { createTempDir, type TempDir } from '../support/temp-dir.ts'

const kib = 1024

describe('swell as one file', () => {
  let directory: TempDir
  let program: string
  let test: TestApi
  let server: string
  let built: Awaited<ReturnType<typeof buildSwell>>

  before(async () => {
    directory = await createTempDir('swell-bundle')
    program = join(directory.path, 'swell.mjs')
    built = await buildSwell(program)
    await symlink('swell.mjs', join(directory.path, 'swell'))
    test = await startApi()
    server = await test.api.listen({ host: '127.0.0.1', port: 0 })
  })
  after(async () => {
    await test.api.close()
    await directory.remove()
  })

  async function run(file: string, words: readonly string[], env: Record<string, string> = {}) {
    const child = spawn(file, words, {
      env: {
        PATH: `${directory.path}:${process.env['PATH'] ?? ''}`,
        HOME: directory.path,
        SWELL_SERVER: server,
        SWELL_TOKEN: 'admin',
        ...env,
      },
    })
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), closed])
    return { out, err, code }
  }
  const swell = (words: string, env?: Record<string, string>) =>
    run(process.execPath, [program, ...words.split(' ')], env)

  it('is alone, below 4 MiB, and the same bytes each time', async (t) => {
    t.diagnostic(`${Math.ceil(built.bytes / kib)} KiB`)
    // Beside the link that has it on the path.
    assert.deepEqual(await readdir(directory.path), ['swell', 'swell.mjs'])
    assert.ok(built.bytes < 4 * kib * kib, `${built.bytes} bytes`)
    assert.doesNotMatch(await readFile(program, 'latin1'), /[\u0080-\u00ff]/)
    assert.equal((await buildSwell(program)).digest, built.digest)
  })

  it('reads what a command needs and no more', async (t) => {
    const probe = join(directory.path, 'probe.cjs')
    await writeFile(
      probe,
      `const node = require('node:module'), { registerHooks } = node
let read = 0
node.registerHooks = (hooks) => registerHooks({ ...hooks, load(url, ...rest) {
  const answer = hooks.load(url, ...rest)
  if (url.includes('swell.mjs?')) read += answer.source.length
  return answer
} })
process.on('exit', () => process.stderr.write('read ' + read))`,
    )
    const readOf = async (words: string): Promise<number> => {
      const node = ['--require', probe, program, ...words.split(' ')]
      const { err, code } = await run(process.execPath, node)
      assert.equal(code, 0, err)
      const read = Number(/read (\d+)$/.exec(err)?.[1])
      t.diagnostic(`${words}: ${Math.ceil(read / kib)} KiB of ${Math.ceil(built.bytes / kib)}`)
      assert.ok(read > 0, 'the probe saw nothing')
      return read
    }
    assert.ok((await readOf('--version')) < 100 * kib)
    assert.ok((await readOf('get clusters')) < 600 * kib)
    assert.ok((await readOf('completion bash')) < 150 * kib)
  })

  it('lists clusters, and whatever else the hub is asked', async () => {
    const { out, err, code } = await swell('get clusters -o name')
    assert.deepEqual([out, err, code], ['cluster/edge-1\ncluster/edge-2\ncluster/lab\n', '', 0])
    assert.match((await swell('get cluster lab -o yaml')).out, /^name: lab$/m)
    const unknown = await swell('get cluster nope')
    assert.equal(unknown.code, 1)
    assert.match((await swell('schema Application')).out, /"title": "Application"/)
    assert.equal((await swell('check --help')).code, 0)
  })

  it('has all its parts: every command shows its help', async () => {
    const { out } = await swell('--help')
    const names = [...out.matchAll(/^ {2}([a-z]+)(?= )/gm)].map(([, name]) => name!)
    assert.ok(names.length > 25, out)
    for (const name of names.filter((one) => one !== 'help')) {
      const { code, err } = await swell(`${name} --help`)
      assert.equal(code, 0, err)
    }
  })

  it('completes in bash, with names of the hub, and without one', async () => {
    const script = `
      swell() { "${process.execPath}" "${program}" "$@"; }
      source <(swell completion bash)
      try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _swell; echo "\${COMPREPLY[*]}"; }
      complete -p swell
      try swell rollout pa
      try swell get clusters ed
      try swell trace l
      SWELL_SERVER=http://127.0.0.1:1 try swell get clusters ed`
    const { out, err } = await run('bash', ['-c', script])
    assert.equal(err, '')
    const lines = ['complete -o default -F _swell swell', 'pause', 'edge-1 edge-2', 'lab', '']
    assert.equal(out.replaceAll(/(?<=edge-1)\s+(?=edge-2)/g, ' '), `${lines.join('\n')}\n`)
  })

  it('completes in zsh, as somebody types', async () => {
    await setUpShells()
    const shown = await swell('completion zsh')
    const script = join(directory.path, 'completion.zsh')
    await writeFile(script, shown.out)
    // A terminal of zsh's own: what is typed, Tab included, goes to a shell that somebody could sit at.
    const driver = `
      zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell "PS1= TERM=dumb; autoload -Uz compinit; compinit -D -u; source ${script}; print REA''DY"
      zpty -r shell out '*READY*'
      zpty -n -w shell $'swell rollout pau\\t'
      zpty -r shell out '*rollout pause *' && print completed a command
      zpty -n -w shell $'\\x15swell trace la\\t'
      zpty -r shell out '*trace lab *' && print completed a name`
    const { out } = await run('timeout', ['60', 'zsh', '-f', '-c', driver], { TERM: 'dumb' })
    assert.match(out, /completed a command\n[^]*completed a name\n/)
  })

  it('completes in fish', async () => {
    await setUpShells()
    const script = join(directory.path, 'completion.fish')
    await writeFile(script, (await swell('completion fish')).out)
    const asked = ['swell rollout pau', 'swell get clusters ed', 'swell trace l']
    const lines = [
      `cd ${directory.path}`,
      `source ${script}`,
      ...asked.map((line) => `complete -C '${line}'`),
    ]
    const { out, err } = await run('fish', ['--no-config', '-c', lines.join('; ')])
    assert.equal(err, '')
    assert.equal(out, 'pause\nedge-1\nedge-2\nlab\n')
  })

  it('draws an application as a tree, and marks what is not well', async () => {
    const { out, err, code } = await swell('tree shop', { NO_COLOR: '1' })
    assert.equal(err, '')
    assert.equal(code, 1)
    assert.match(out, /^! shop /)
    assert.match(out, /^├─ ! cluster edge-1 .*\n(│ {2}[├└]─ ! .*\n)+/m)
    assert.match(out, /Service shop\/web, InProgress, no address/)
    assert.equal((await swell('tree nope')).code, 1)
  })

  it('traces an object to its commit, author and rollout', async () => {
    const { out, code } = await swell('trace edge-1 Service/shop/web')
    assert.equal(code, 0)
    for (const line of [
      /^Object: +Service shop\/web/m,
      /^Health: +InProgress: no address$/m,
      /^Application: +shop$/m,
      /^Commit: +main@sha1:a1b2c3/m,
    ]) {
      assert.match(out, line)
    }
    const nothing = await swell('trace edge-1 Service/shop/nope')
    assert.match(nothing.err, /no application has Service\/shop\/nope/)
    assert.equal(nothing.code, 1)
  })

  it('waits, and says by its exit code what came of it', async () => {
    const connected = await swell('wait cluster edge-1')
    assert.deepEqual([connected.out, connected.code], ['cluster/edge-1 connected\n', 0])
    const late = await swell('wait rollout r-1 --timeout 1s')
    assert.match(late.err, /was not succeeded in time/)
    assert.equal(late.code, 1)
    const away = await swell('wait cluster lab --timeout 1s --server http://127.0.0.1:1')
    assert.equal(away.code, 2)
    assert.equal((await swell('wait cluster nope')).code, 1)
    assert.equal((await swell('wait cluster lab --timeout soon')).code, 2)
  })

  it('looks for what is wrong, and says what to do', async () => {
    const begun = performance.now()
    const { out, code } = await swell('doctor')
    // It waited for its longest question, 15 s, with everything said.
    assert.ok(performance.now() - begun < 12_000)
    assert.match(out, /^OK +hub +answers at http/m)
    assert.match(out, /^OK +clock /m)
    assert.match(out, /^OK +token +admin/m)
    assert.match(out, /^SKIP +root statement/m)
    assert.equal(code, /^FAIL/m.test(out) ? 1 : 0)

    test.hub.view.ready = false
    const ill = await swell('doctor -o json')
    test.hub.view.ready = true
    assert.equal(ill.code, 1)
    const { findings } = JSON.parse(ill.out) as { findings: { state: string; advice: string }[] }
    assert.ok(findings.some(({ state, advice }) => state === 'FAIL' && advice !== ''))

    const refused = await swell('doctor', { SWELL_TOKEN: 'wrong' })
    assert.match(refused.out, /^FAIL +token/m)
    assert.equal(refused.code, 1)
    assert.equal((await swell('doctor --server http://127.0.0.1:1')).code, 2)
  })
})
