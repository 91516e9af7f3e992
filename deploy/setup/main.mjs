import { setUpAge } from './age.mjs'
import { setUpChromium } from './chromium.mjs'
import { setUpComposeSpec } from './compose-spec.mjs'
import { setUpControlPlane } from './control-plane.mjs'
import { setUpDashboard } from './dashboard.mjs'
import { setUpEngine } from './engine.mjs'
import { setUpGit } from './git.mjs'
import { setUpGitea } from './gitea.mjs'
import { setUpHadolint } from './hadolint.mjs'
import { setUpKubectl } from './kubectl.mjs'
import { setUpLoad } from './load.mjs'
import { setUpOracles } from './oracles.mjs'
import { setUpGnupg } from './gnupg.mjs'
import { setUpPackages } from './packages.mjs'
import { setUpPrometheus } from './prometheus.mjs'
import { setUpRedis } from './redis.mjs'
import { setUpSshd } from './sshd.mjs'
import { setUpSealedSecrets } from './sealed-secrets.mjs'
import { setUpSchemathesis } from './schemathesis.mjs'
import { setUpShells } from './shells.mjs'
import { setUpSops } from './sops.mjs'
import { setUpVault } from './vault.mjs'
import { SetupError, say, taken } from './say.mjs'

/* `npm run setup`: everything that demo, tests and benchmarks need, so that they start at once. */

try {
  await setUpPackages()
  await setUpGit()
  await setUpRedis()
  await setUpSshd()
  await setUpGnupg()
  await setUpAge()
  await setUpShells()
  await setUpChromium()
  await setUpDashboard()
  await setUpPrometheus()
  await setUpEngine()
  await setUpControlPlane()
  await setUpOracles()
  await setUpSchemathesis()
  await setUpSops()
  await setUpSealedSecrets()
  await setUpVault()
  await setUpGitea()
  await setUpKubectl()
  await setUpComposeSpec()
  await setUpHadolint()
  await setUpLoad()
  const ms = taken.reduce((sum, step) => sum + step.ms, 0)
  const after = ms === 0 ? '' : ` after ${(ms / 1000).toFixed(0)} s`
  say(`everything is ready${after}: npm run demo, npm test`)
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  say(error.message)
  process.exitCode = 1
}
