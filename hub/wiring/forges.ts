import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubError } from '../errors.ts'
import type { Forge, ForgeKind } from '../forge/forge.ts'
import { openForge } from '../forge/http.ts'
import type { RevertingForge } from '../forge/revert.ts'
import { readForges } from '../fs.ts'
import type { Surroundings } from './surroundings.ts'

/** Git hosts that the configuration names, by repository. */
export interface Forges {
  readonly shown: ReadonlyMap<string, Forge & { readonly kind: ForgeKind }>
  /** Those that may be written to, by a token of their own. */
  readonly writable: ReadonlyMap<string, RevertingForge>
}

/** @throws HubError `config_invalid` */
export function openForges({ config, started }: Surroundings): Forges {
  const shown = new Map<string, Forge & { readonly kind: ForgeKind }>()
  const writable = new Map<string, RevertingForge>()
  for (const [repository, setting] of readForges(config.forges)) {
    const { tokenFile, writeTokenFile, ...project } = setting
    const open = (token: string) =>
      started.own(
        openForge(project, {
          token: () => readToken(token),
          wait: async (ms, until) => {
            await sleep(ms, undefined, { signal: until }).catch(() => undefined)
          },
          now: Date.now,
        }),
        (forge) => forge.close(),
      )
    shown.set(repository, { ...open(tokenFile), kind: project.kind })
    if (writeTokenFile !== undefined) writable.set(repository, open(writeTokenFile))
  }
  return { shown, writable }
}

async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new HubError('forge_refused', `its token cannot be read: ${path}`, { cause })
  }
}
