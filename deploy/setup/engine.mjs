import { readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildGo } from './go.mjs'
import { buildOnce } from './build-once.mjs'
import { enginePath, isExecutable, root } from './paths.mjs'
import { SetupError, sayStep } from './say.mjs'

const keptEngines = 8

/** Makes sure that the render engine (hub/engine, Go) is built; its path is `enginePath()`. */
export async function setUpEngine() {
  const path = enginePath()
  if (isExecutable(path)) return
  if (process.env.GROUNDSWELL_ENGINE) {
    throw new SetupError(`GROUNDSWELL_ENGINE is ${path}, which is not an executable file`)
  }
  await sayStep(
    'building the render engine (kustomize, helm and friends, from Go modules): a minute or two the first time, cached afterwards',
    () =>
      buildOnce(dirname(path), async (into) => {
        await buildGo(join(root, 'hub', 'engine'), join(into, 'groundswell-engine'), ['.'])
      }),
  )
  dropOldEngines(dirname(dirname(path)))
}

/**
 * Each change of the source makes another engine of some 50 MB.
 * @param {string} directory
 */
function dropOldEngines(directory) {
  const old = readdirSync(directory)
    .filter((name) => /^[0-9a-f]{16}$/.test(name))
    .map((name) => ({ name, time: statSync(join(directory, name)).mtimeMs }))
    .sort((a, b) => b.time - a.time)
    .slice(keptEngines)
  for (const { name } of old) rmSync(join(directory, name), { recursive: true, force: true })
}
