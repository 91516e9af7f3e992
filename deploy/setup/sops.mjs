import { buildGo } from './go.mjs'
import { buildOnce } from './build-once.mjs'
import { isExecutable, root, sopsDir, sopsPath } from './paths.mjs'
import { sayStep } from './say.mjs'
import { join } from 'node:path'

/** Makes sure that the `sops` which encrypted Secrets are compared with is built; only tests run it. */
export async function setUpSops() {
  if (isExecutable(sopsPath())) return
  await sayStep('building sops to compare with: 3 minutes the first time, cached afterwards', () =>
    buildOnce(sopsDir(), (into) => buildGo(join(root, 'test', 'sops'), `${into}/`, ['tool'])),
  )
}
