import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { nodePath } from './packages.mjs'
import { root } from './paths.mjs'
import { sayStep } from './say.mjs'

const directory = join(root, 'hub', 'dashboard')
const stamp = join(directory, 'dist', 'sources')

/** Makes sure that the dashboard which the hub serves is made of the sources that are here. */
export async function setUpDashboard() {
  const digest = digestSources()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  await sayStep('building the dashboard: some seconds', () =>
    runCommand(nodePath, [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build'], {
      cwd: directory,
    }),
  )
  writeFileSync(stamp, digest)
}

function digestSources() {
  const hash = createHash('sha256')
  const files = readdirSync(directory, { recursive: true })
    .map(String)
    .filter((path) => /\.(tsx?|css|html|svg|json)$/.test(path) && !path.startsWith('dist'))
    .sort()
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(directory, file)))
  // What it is made with is in the lock file.
  return hash.update(readFileSync(join(root, 'package-lock.json'))).digest('hex')
}
