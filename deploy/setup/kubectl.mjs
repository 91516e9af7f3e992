import { join } from 'node:path'
import { buildGo } from './go.mjs'
import { buildOnce } from './build-once.mjs'
import { isExecutable, kubectlDir, kubectlPath, root } from './paths.mjs'
import { sayStep } from './say.mjs'

/** kubectl would call itself v0.0.0 otherwise. */
const version = '-X k8s.io/component-base/version.gitVersion=v1.35.4'

/** Makes sure that the `kubectl` which applying is compared with is built; only tests run it. */
export async function setUpKubectl() {
  if (isExecutable(kubectlPath())) return
  await sayStep('building kubectl to compare with: about a minute, cached afterwards', () =>
    buildOnce(kubectlDir(), (into) =>
      buildGo(join(root, 'test', 'kubectl'), `${into}/`, ['tool'], version),
    ),
  )
}
