import { Type } from 'typebox'
import { parseNamedSettings } from '../named-settings.ts'
import { type ForgeKind, forgeKinds, type ForgeProject } from './forge.ts'

/**
 * Where statuses of one repository's commits are kept. It is the hub's own configuration, not Git's:
 * who may write to Git could else have the token sent to a host of their own.
 */
export interface ForgeSetting extends ForgeProject {
  readonly tokenFile: string
  /** A token that may write, for reverts; none are proposed without. */
  readonly writeTokenFile?: string
}

const closed = { additionalProperties: false } as const
const Setting = Type.Object(
  {
    kind: Type.Union(forgeKinds.map((kind) => Type.Literal(kind))),
    /** As people open it: `https://github.com/team/fleet`. */
    url: Type.String({ minLength: 1 }),
    /** Where the API is, when it is not where the host has it by default. */
    api: Type.Optional(Type.String({ minLength: 1 })),
    /** Read anew for each request. */
    tokenFile: Type.String({ minLength: 1 }),
    /** Of a token that may push branches and open pull requests. */
    writeTokenFile: Type.Optional(Type.String({ minLength: 1 })),
  },
  closed,
)

/**
 * A parsed file → settings by Repository, `fleet` for the fleet repository.
 *
 * @throws HubError `config_invalid` with every fault
 */
export function parseForges(value: unknown, where: string): ReadonlyMap<string, ForgeSetting> {
  const settings = { where, what: 'repositories', schema: Setting }
  return parseNamedSettings(
    value,
    settings,
    ({ kind, url, api, tokenFile, writeTokenFile }, report) => {
      const page = URL.parse(url)
      const project = page?.pathname.replace(/^\/+|\/+$|\.git\/*$/g, '') ?? ''
      if (!isWeb(page) || !project.includes('/')) {
        report(`url: ${JSON.stringify(url)} is not like https://host/owner/name`)
        return undefined
      }
      if (api !== undefined && !isWeb(URL.parse(api))) {
        report(`api: ${JSON.stringify(api)} is not like https://host/api`)
        return undefined
      }
      return {
        ...{ kind, project, api: api ?? apiOf(kind, page), tokenFile },
        ...(writeTokenFile !== undefined && { writeTokenFile }),
      }
    },
  )
}

function isWeb(url: URL | null): url is URL {
  return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password
}

function apiOf(kind: ForgeKind, { origin, hostname }: URL): string {
  switch (kind) {
    case 'github':
      return hostname === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`
    case 'gitlab':
      return `${origin}/api/v4`
    case 'gitea':
      return `${origin}/api/v1`
    default:
      return kind satisfies never
  }
}
