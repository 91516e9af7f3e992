import { dirname, join } from 'node:path'
import { buildGo } from './go.mjs'
import { buildOnce } from './build-once.mjs'
import { enginePath, isExecutable, root } from './paths.mjs'
import { SetupError, sayStep } from './say.mjs'

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
}
