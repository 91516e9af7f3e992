import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseDocument } from 'yaml'
import { hadolintPath, isExecutable } from '../../deploy/setup/paths.mjs'
import { readDockerfile } from '../support/dockerfile.ts'
import { layOutRoot } from '../support/image-root.ts'
import { createTempDir } from '../support/temp-dir.ts'

/* The images of deploy/images. There is no registry here to build them from, so: their Dockerfiles are read by hadolint
   and by these rules, and what they take of Debian is put together and run in a root directory of its own. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const names = ['agent', 'hub']

for (const name of names) {
  describe(`deploy/images/${name}.Dockerfile`, () => {
    it('hadolint finds nothing', async (t) => {
      if (!isExecutable(hadolintPath())) return t.skip('hadolint could not be fetched')
      const { stdout } = await run(hadolintPath(), [
        ...['--failure-threshold', 'style', `${root}deploy/images/${name}.Dockerfile`],
      ])
      assert.equal(stdout, '')
    })

    it('names every base by a digest that has to be given, and ends on one without a system, as nobody', async () => {
      const instructions = await readDockerfile(name)
      const bases = instructions.filter(({ word }) => word === 'FROM').map(({ rest }) => rest)
      const given = instructions.filter(({ word }) => word === 'ARG').map(({ rest }) => rest)
      for (const base of bases) {
        const [, digest] = /^\S+@\$\{(\w+)\}( AS \w+)?$/.exec(base) ?? []
        assert.ok(digest !== undefined && given.includes(digest), `${base}: no default`)
      }
      assert.match(bases.at(-1)!, /^gcr\.io\/distroless\//)
      const last = instructions.slice(instructions.findLastIndex(({ word }) => word === 'FROM'))
      assert.deepEqual(
        last.filter(({ word }) => word === 'USER').map(({ rest }) => rest),
        ['65532:65532'],
      )
      assert.ok(last.every(({ word }) => word !== 'RUN' && word !== 'ADD' && word !== 'SHELL'))
      assert.match(last.at(-1)!.rest, /^\["\/nodejs\/bin\/node", "\/app\/\S+"\]$/)
    })

    it('copies what is there, and leaves nothing out that it copies', async () => {
      const ignored = (await readFile(`${root}.dockerignore`, 'utf8')).split('\n')
      const copied = (await readDockerfile(name))
        .filter(({ word, rest }) => word === 'COPY' && !rest.includes('--from='))
        .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))
      assert.ok(copied.includes('package-lock.json'))
      for (const path of copied) {
        assert.ok(existsSync(join(root, path)), path)
        assert.ok(
          !ignored.some((entry) => entry !== '' && `${path}/`.startsWith(`${entry}/`)),
          path,
        )
      }
    })
  })
}

it('what the hub’s image takes of Debian runs without the rest of it', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('changing the root directory takes root')
  await using directory = await createTempDir('image')
  const collected = join(directory.path, 'collected')
  await layOutRoot(collected)

  await chmod(directory.path, 0o755)

  const inside = async (commands: string): Promise<string> => {
    const { stdout, stderr } = await run(
      '/usr/sbin/chroot',
      ['--userspec=65532:65532', collected, '/bin/sh', '-euc', commands],
      {
        env: {
          ...{ PATH: '/usr/bin:/bin', HOME: '/tmp', GIT_CONFIG_NOSYSTEM: '1' },
          ...{ GIT_AUTHOR_NAME: 'x', GIT_AUTHOR_EMAIL: 'x@x', GIT_COMMITTER_NAME: 'x' },
          GIT_COMMITTER_EMAIL: 'x@x',
        },
      },
    )
    return stdout + stderr
  }
  assert.match(await inside('git --version'), /^git version 2\./)
  assert.match(await inside('ssh -V'), /OpenSSH/)
  assert.match(await inside('ssh-keygen -Y sign 2>&1 || true'), /namespace|Too few/i)
  assert.match(await inside('gpg --version'), /GnuPG/)
  // A mirror as the hub makes one, over every way it may be fetched.
  const said = await inside(
    [
      'git init -q --bare /tmp/from.git',
      'git init -q --bare /tmp/to.git',
      'cd /tmp/from.git',
      'commit=$(git commit-tree "$(git hash-object -w -t tree /dev/null)" -m one)',
      'git update-ref refs/heads/main "$commit"',
      'git -C /tmp/to.git fetch -q file:///tmp/from.git main',
      'git -C /tmp/to.git cat-file -t "$commit"',
      'git -C /tmp/to.git fetch https://127.0.0.1:1/x.git 2>&1 || true',
      'GIT_SSH_COMMAND="ssh -p 1" git -C /tmp/to.git fetch ssh://git@127.0.0.1/x.git 2>&1 || true',
    ].join('\n'),
  )
  assert.match(said, /^commit$/m)
  assert.doesNotMatch(said, /warning/)
  assert.match(said, /unable to access 'https:\/\/127\.0\.0\.1:1/)
  assert.match(said, /connect to host 127\.0\.0\.1 port 1/)
})

describe('.github/workflows/release.yml', () => {
  interface Job {
    readonly permissions: Readonly<Record<string, string>>
    readonly steps: readonly { readonly uses?: string; readonly run?: string }[]
  }
  const read = async () => {
    const text = await readFile(`${root}.github/workflows/release.yml`, 'utf8')
    const document = parseDocument(text, { strict: true, uniqueKeys: true })
    assert.deepEqual([...document.errors, ...document.warnings], [])
    return document.toJS() as { permissions: object; jobs: Record<string, Job> }
  }

  it('asks for no more rights than each job needs, and lets no name of a tag be a command', async () => {
    const { permissions, jobs } = await read()
    assert.deepEqual(permissions, {})
    assert.deepEqual(jobs['test']!.permissions, { contents: 'read' })
    for (const [name, { steps, permissions }] of Object.entries(jobs)) {
      assert.ok(name === 'files' || permissions['contents'] === 'read', name)
      for (const { uses, run } of steps) {
        if (uses !== undefined) assert.match(uses, /^[\w-]+\/[\w/-]+@v\d+$/)
        assert.doesNotMatch(run ?? '', /\$\{\{/)
      }
    }
    const runs = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
    for (const [path] of runs.join('\n').matchAll(/(?<![\w/])(?:deploy\/[\w./-]+|\.ci\/run)/g)) {
      assert.ok(existsSync(join(root, path.replace(/\/$/, ''))), path)
    }
    assert.match(runs.join('\n'), /--sbom=true --provenance=mode=max/)
  })

  it('lists in CycloneDX what each program is made of, and none of what only makes it', async () => {
    await using directory = await createTempDir('sbom')
    await run(`${root}deploy/images/sbom.sh`, [directory.path])
    for (const [name, own, other] of [
      ['hub', 'fastify', 'age-encryption'],
      ['agent', 'age-encryption', 'fastify'],
    ] as const) {
      const text = await readFile(join(directory.path, `groundswell-${name}.cdx.json`), 'utf8')
      const bill = JSON.parse(text) as {
        bomFormat: string
        components: { name: string; purl: string }[]
      }
      assert.equal(bill.bomFormat, 'CycloneDX')
      const names = new Set(bill.components.map(({ name }) => name))
      assert.ok(names.has(own) && !names.has(other), name)
      for (const tool of ['esbuild', 'typescript', 'playwright-core', 'oxlint']) {
        assert.ok(!names.has(tool), `${name}: ${tool}`)
      }
    }
  })
})
