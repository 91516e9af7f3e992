import { join } from 'node:path'
import { buildGo } from './go.mjs'
import { buildOnce } from './build-once.mjs'
import { isExecutable, loadDir, loadPath, root } from './paths.mjs'
import { sayStep } from './say.mjs'

/** Makes sure that the load of benchmarks is built (test/load, Go): many agents in one process. */
export async function setUpLoad() {
  if (isExecutable(loadPath())) return
  await sayStep('building the load of benchmarks: some seconds, cached afterwards', () =>
    buildOnce(loadDir(), (into) => buildGo(join(root, 'test', 'load'), join(into, 'load'), ['.'])),
  )
}
