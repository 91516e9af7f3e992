#!/usr/bin/env node
// The sources are TypeScript, which Node runs by itself from version 24 on. Under an older one the
// project's own Node takes over.
import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = dirname(realpathSync(fileURLToPath(import.meta.url)))

process.env.GROUNDSWELL_ENGINE ??= await findEngine(join(here, '..', '..', 'deploy', 'setup'))

if (Number(process.versions.node.split('.')[0]) >= 24) {
  // Kept between starts: what TypeScript becomes without its types, and what that compiles to.
  module.enableCompileCache()
  await import('./main.ts')
} else {
  const node = findNode(here)
  if (node === undefined) {
    process.stderr.write(
      `swell: needs Node 24 or newer, this is ${process.version}; run \`npm run setup\` in the project, or install Node 24\n`,
    )
    process.exit(2)
  }
  const child = spawnSync(node, [join(here, 'main.ts'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  process.exit(child.status ?? 2)
}

function findNode(start) {
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', '.bin', 'node')
    if (existsSync(candidate)) return candidate
    if (dirname(folder) === folder) return undefined
  }
}

/** The engine that set-up built, where this is a checkout of the project. */
async function findEngine(setup) {
  const paths = join(setup, 'paths.mjs')
  return existsSync(paths) ? (await import(pathToFileURL(paths).href)).enginePath() : ''
}
