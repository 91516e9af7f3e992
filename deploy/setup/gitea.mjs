import { chmodSync, cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { buildOnce } from './build-once.mjs'
import { readCommand } from './command.mjs'
import { installDebianPackage } from './debian.mjs'
import { buildGo } from './go.mjs'
import { giteaDir, giteaPaths, isExecutable, root } from './paths.mjs'
import { SetupError, say, sayStep } from './say.mjs'

const module = join(root, 'test', 'gitea')
const name = 'code.gitea.io/gitea'

/**
 * Makes sure that the Gitea which tests speak to is built. Its database is C, so it needs a
 * compiler; without one its tests are skipped, and nothing else is.
 */
export async function setUpGitea() {
  if (isExecutable(giteaPaths().program)) return
  if (!(await hasCompiler())) return
  await sayStep(
    'building a Gitea for tests: 4 minutes the first time, cached afterwards (119 MB)',
    () =>
      buildOnce(giteaDir(), async (into) => {
        const tags = 'sqlite sqlite_unlock_notify'
        await buildGo(module, `${into}/`, ['tool'], `-X main.Version=${readVersion()}`, tags)
        copyStatics(join(into, 'static'))
      }),
  )
}

async function hasCompiler() {
  if (readCommand('cc', ['--version']) !== undefined) return true
  try {
    await installDebianPackage('build-essential', 'A C compiler, for a Gitea that tests speak to,')
    return true
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    say(`${error.message}\n  Without it the tests against a real Gitea are SKIPPED.`)
    return false
  }
}

/** Its version is no part of what Go builds: clients, ours too, are told one. */
function readVersion() {
  return ask('{{.Version}}').replace(/^v/, '')
}

/**
 * What it reads when it runs: templates, licences, texts. Pages have no styles, for those are built by npm.
 * @param {string} into
 */
function copyStatics(into) {
  const directory = ask('{{.Dir}}')
  for (const part of ['templates', 'options', 'public']) {
    cpSync(join(directory, part), join(into, part), { recursive: true })
  }
  // Go keeps modules so that nobody can write there; what is in a cache should go by `rm -r`.
  for (const entry of readdirSync(into, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o755)
  }
}

/** @param {string} format */
function ask(format) {
  const found = readCommand('go', ['-C', module, 'list', '-m', '-f', format, name])
  if (!found) throw new SetupError(`go list says nothing of ${name}`)
  return found
}
