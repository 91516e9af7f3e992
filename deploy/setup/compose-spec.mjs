import { join } from 'node:path'
import { buildGo } from './go.mjs'
import { buildOnce } from './build-once.mjs'
import { composeSpecDir, composeSpecPath, isExecutable, root } from './paths.mjs'
import { sayStep } from './say.mjs'

/** Makes sure that the loader of the compose specification is built, which docker-compose.yml is checked by; only tests run it. */
export async function setUpComposeSpec() {
  if (isExecutable(composeSpecPath())) return
  await sayStep(
    'building the compose specification’s loader: half a minute, cached afterwards',
    () =>
      buildOnce(composeSpecDir(), (into) =>
        buildGo(join(root, 'test', 'compose'), join(into, 'compose-spec'), [
          'github.com/compose-spec/compose-go/v2/cmd',
        ]),
      ),
  )
}
