import { join } from 'node:path'
import { buildGo } from './go.mjs'
import { buildOnce } from './build-once.mjs'
import { isExecutable, oraclePaths, oraclesDir, root } from './paths.mjs'
import { sayStep } from './say.mjs'

/** Makes sure that the programs which rendering is compared with are built; only tests run them. */
export async function setUpOracles() {
  if (Object.values(oraclePaths()).every(isExecutable)) return
  await sayStep(
    'building kustomize, helm and a reader of manifests to compare with: 3 minutes the first time, cached afterwards',
    () =>
      buildOnce(oraclesDir(), (into) =>
        buildGo(join(root, 'test', 'oracles'), `${into}/`, ['tool', './kubectl-read']),
      ),
  )
}
