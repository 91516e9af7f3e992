import { dirname, delimiter, join } from 'node:path'
import { runInForeground } from './child.mjs'
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
import { setUpOracles } from './oracles.mjs'
import { nodePath, setUpPackages } from './packages.mjs'
import { setUpGnupg } from './gnupg.mjs'
import { enginePath, root } from './paths.mjs'
import { setUpPrometheus } from './prometheus.mjs'
import { setUpRedis } from './redis.mjs'
import { setUpSealedSecrets } from './sealed-secrets.mjs'
import { setUpShells } from './shells.mjs'
import { setUpSops } from './sops.mjs'
import { setUpSshd } from './sshd.mjs'
import { setUpVault } from './vault.mjs'
import { SetupError, say, taken } from './say.mjs'

/* `node deploy/setup/run.mjs FILE [ARGS]`: makes sure that what FILE needs is there, then runs it on Node 24.
   Runs on Node 20 without any package, since on a fresh clone there is nothing else. */

const [file = '', ...args] = process.argv.slice(2)

const bringsRedis =
  Boolean(process.env.REDIS_URL) ||
  args.some((arg) => arg === '--redis' || arg.startsWith('--redis='))

/** What each entry needs beside npm packages. @type {Record<string, (() => Promise<void>)[]>} */
const needs = {
  'hub/main.ts': [
    ...[setUpGit, ...(bringsRedis ? [] : [setUpRedis])],
    ...[setUpDashboard, setUpEngine],
  ],
  'agent/main.ts': [],
  'deploy/build/main.mjs': [],
  'hub/cli/main.ts': [setUpGit, setUpEngine],
  'test/demo/main.ts': [
    ...[setUpGit, setUpRedis],
    ...[setUpDashboard, setUpEngine, setUpControlPlane],
  ],
  'test/bench/main.ts': [
    ...[setUpGit, setUpRedis, setUpEngine],
    ...(args.includes('render') ? [setUpOracles] : []),
    ...(args.includes('agent') ? [setUpControlPlane] : []),
    ...(args.includes('ui') ? [setUpDashboard, setUpChromium] : []),
    ...(args.includes('apply') ? [setUpControlPlane, setUpKubectl] : []),
  ],
  'test/screens/main.ts': [setUpGit, setUpRedis, setUpDashboard, setUpEngine, setUpChromium],
  'test/run.ts': [
    ...[setUpGit, setUpRedis, setUpSshd, setUpGnupg, setUpEngine, setUpControlPlane],
    ...[
      setUpOracles,
      setUpSops,
      setUpSealedSecrets,
      setUpVault,
      setUpGitea,
      setUpKubectl,
      setUpDashboard,
      setUpChromium,
      setUpPrometheus,
      ...[setUpComposeSpec, setUpHadolint, setUpAge, setUpShells],
    ],
  ],
}

try {
  const setUps = needs[file]
  if (setUps === undefined) {
    throw new SetupError(`cannot run ${file || 'nothing'}: one of ${Object.keys(needs).join(', ')}`)
  }
  await setUpPackages()
  for (const setUp of setUps) await setUp()
  process.exitCode = await runInForeground(nodePath, [join(root, file), ...args], {
    ...process.env,
    // For the demo, which says what a newcomer waited for.
    GROUNDSWELL_SETUP_TOOK: JSON.stringify(taken),
    PATH: [dirname(nodePath), process.env.PATH ?? ''].join(delimiter),
    ...(setUps.includes(setUpEngine) ? { GROUNDSWELL_ENGINE: enginePath() } : {}),
  })
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  say(error.message)
  process.exitCode = 1
}
