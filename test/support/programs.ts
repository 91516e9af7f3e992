import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSwell } from '../../deploy/build/swell.mjs'
import { kubectlPath, oraclePaths, sopsPath } from '../../deploy/setup/paths.mjs'
import { setUpKubectl } from '../../deploy/setup/kubectl.mjs'
import { setUpSops } from '../../deploy/setup/sops.mjs'
import { prepareOracles } from './oracles.ts'

const place = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** What set-up builds for tests, under the names that pages call them by. */
const programs = {
  kubectl: async () => {
    await setUpKubectl()
    return kubectlPath()
  },
  helm: async () => {
    await prepareOracles()
    return oraclePaths().helm
  },
  sops: async () => {
    await setUpSops()
    return sopsPath()
  },
}

/** A directory to put first in PATH: `swell` as it is released, `hub`, and the programs that are asked for. */
export async function installPrograms(
  directory: string,
  names: readonly (keyof typeof programs)[] = [],
): Promise<string> {
  const bin = join(directory, 'bin')
  await mkdir(bin, { recursive: true })
  await buildSwell(join(bin, 'swell.mjs'))
  await symlink('swell.mjs', join(bin, 'swell'))
  const hub = `#!/bin/sh\nexec '${process.execPath}' '${place('hub/main.ts')}' "$@"\n`
  await writeFile(join(bin, 'hub'), hub)
  await chmod(join(bin, 'hub'), 0o755)
  await symlink(process.execPath, join(bin, 'node'))
  for (const name of names) await symlink(await programs[name](), join(bin, name))
  return bin
}
