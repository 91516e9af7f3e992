import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseRevision } from '@groundswell/proto/revision.ts'
import { HubError, type HubErrorCode } from '../../hub/errors.ts'
import type { Credentials } from '../../hub/source/credential.ts'
import { createMirror } from '../../hub/source/git.ts'
import type { Mirror, SourceSpec } from '../../hub/source/source.ts'
import { tells } from './exact-words.ts'
import { runGit, type TestRepository } from './git-repository.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { createTempDir, type TempDir } from './temp-dir.ts'

/** The password of the Git server's one account. */
export const password = 'correct horse'
export const never = new AbortController().signal

/** A Git server behind a password, and mirrors of its repositories in one directory. */
export interface MirrorWorld extends AsyncDisposable {
  readonly server: GitServer
  readonly temp: TempDir
  /** `bot` is right, `wrong` is not, `gone` names a file that is not there. */
  readonly credentials: Credentials
  createRepository(options?: { readonly from?: string }): Promise<TestRepository>
  openMirror(
    repository: TestRepository,
    spec?: Partial<SourceSpec>,
  ): Promise<Mirror & { readonly directory: string }>
}

export async function createMirrorWorld(): Promise<MirrorWorld> {
  const temp = await createTempDir('mirror')
  const server = await startGitServer({ basicAuth: { user: 'bot', password } })
  const mirrors: Mirror[] = []
  let count = 0
  await writeFile(join(temp.path, 'user'), 'bot\n')
  await writeFile(join(temp.path, 'password'), `${password}\n`)
  await writeFile(join(temp.path, 'wrong'), 'wrong\n')
  const usernameFile = join(temp.path, 'user')
  const basic = (file: string) =>
    ({ kind: 'basic', usernameFile, passwordFile: join(temp.path, file) }) as const
  const credentials = { bot: basic('password'), wrong: basic('wrong'), gone: basic('gone') }

  return {
    server,
    temp,
    credentials,
    async createRepository(options) {
      count += 1
      const repository = await server.createRepository(`r${count}`, options)
      // What the large hosts allow.
      await runGit(repository.path, ['config', 'uploadpack.allowFilter', 'true'])
      await runGit(repository.path, ['config', 'uploadpack.allowAnySHA1InWant', 'true'])
      return repository
    },
    async openMirror(repository, spec = {}) {
      count += 1
      const directory = join(temp.path, `m${count}.git`)
      const mirror = await createMirror(
        {
          name: repository.name,
          url: server.url(repository.name),
          ref: { branch: 'main' },
          timeout: 20_000,
          credential: 'bot',
          ...spec,
        },
        { directory, credential: (name) => credentials[name as keyof typeof credentials] },
      )
      mirrors.push(mirror)
      return { ...mirror, directory }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(mirrors.map(async (mirror) => mirror.close()))
      await server.stop()
      await temp.remove()
    },
  }
}

export async function fetchCommit(mirror: Mirror): Promise<string> {
  return parseRevision(await mirror.fetch(never)).commit
}

/** Text of every file of a directory, by path. */
export async function readTexts(
  mirror: Mirror,
  commit: string,
  path = '.',
): Promise<Record<string, string>> {
  const { files } = await mirror.readTree(commit, path)
  const blobs = await mirror.readBlobs(files.map((file) => file.oid))
  return Object.fromEntries(
    files.map((file, index) => [file.path, Buffer.from(blobs[index]!).toString()]),
  )
}

/** The work must fail with this code and these words, and never tell the password. A text names words of the list. */
export async function rejectsWith(
  work: Promise<unknown>,
  code: HubErrorCode,
  words: RegExp | string,
): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof HubError, String(error))
    assert.equal(error.code, code, error.message)
    if (typeof words === 'string') tells(words, error)
    else assert.match(error.message, words)
    assert.ok(!error.message.includes(password), 'the password is in the message')
    return true
  })
}
