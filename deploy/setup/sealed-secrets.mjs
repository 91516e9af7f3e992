import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildGo } from './go.mjs'
import { buildOnce } from './build-once.mjs'
import { readCommand } from './command.mjs'
import { isExecutable, root, sealedSecretsDir, sealedSecretsPaths } from './paths.mjs'
import { SetupError, sayStep } from './say.mjs'

const module = join(root, 'test', 'sealed-secrets')

/** Makes sure that the controller of SealedSecrets and `kubeseal` are built; only tests run them. */
export async function setUpSealedSecrets() {
  const { controller, kubeseal } = sealedSecretsPaths()
  if (isExecutable(controller) && isExecutable(kubeseal)) return
  await sayStep(
    'building the controller of SealedSecrets for tests: 3 minutes the first time, cached afterwards',
    () =>
      buildOnce(sealedSecretsDir(), async (into) => {
        await buildGo(module, `${into}/`, ['tool'])
        copyDefinition(join(into, 'crd.yaml'))
      }),
  )
}

/**
 * The definition of the kind, as the controller's own chart installs it.
 * @param {string} path
 */
function copyDefinition(path) {
  const name = 'github.com/bitnami-labs/sealed-secrets'
  const directory = readCommand('go', ['-C', module, 'list', '-m', '-f', '{{.Dir}}', name])
  if (!directory) throw new SetupError(`go list says nothing of ${name}`)
  const file = 'helm/sealed-secrets/crds/bitnami.com_sealedsecrets.yaml'
  copyFileSync(join(directory, file), path)
}
