import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { buildGo } from './go.mjs'
import { buildOnce } from './build-once.mjs'
import { controlPlaneModuleDir, controlPlanePaths, isExecutable, root } from './paths.mjs'
import { sayStep } from './say.mjs'

/**
 * Flags a module's build needs beside the usual; without this one Kubernetes calls itself v0.0.0.
 * @type {Readonly<Record<string, string>>}
 */
const ldflags = { kubernetes: '-X k8s.io/component-base/version.gitVersion=v1.35.4' }

/** Makes sure that a whole control plane can be started from `controlPlanePaths()`. */
export async function setUpControlPlane() {
  if (Object.values(controlPlanePaths()).every(isExecutable)) return
  await sayStep(
    'building a Kubernetes control plane from source: about 7 minutes the first time, cached afterwards',
    async () => {
      for (const name of ['etcd', 'kubernetes', 'kwok']) await buildModule(name)
    },
  )
}

/** @param {string} name */
async function buildModule(name) {
  await buildOnce(controlPlaneModuleDir(name), async (into) => {
    await sayStep(`  ${name}`, async () => {
      await buildGo(join(root, 'test', 'controlplane', name), `${into}/`, ['tool'], ldflags[name])
      if (name === 'etcd') renameSync(join(into, 'server'), join(into, 'etcd'))
    })
  })
}
