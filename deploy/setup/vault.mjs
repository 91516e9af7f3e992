import { join } from 'node:path'
import { buildGo } from './go.mjs'
import { buildOnce } from './build-once.mjs'
import { isExecutable, root, vaultDir, vaultPath } from './paths.mjs'
import { sayStep } from './say.mjs'

/** Makes sure that the Vault which agents read from in tests is built; nothing else runs it. */
export async function setUpVault() {
  if (isExecutable(vaultPath())) return
  await sayStep('building a Vault for tests: some minutes the first time, cached afterwards', () =>
    buildOnce(vaultDir(), (into) =>
      buildGo(join(root, 'test', 'vault'), join(into, 'vault'), ['.']),
    ),
  )
}
