import type { Log } from '../agent.ts'
import type { Connection } from '../cluster/connection.ts'
import type { AgentConfig } from '../config.ts'
import { createKeptContent } from '../content/kept.ts'
import { createSecretShelves } from '../content/kube.ts'
import { createFileContentCache } from '../trust/fs.ts'
import type { ContentCache } from '../trust/state.ts'
import { nameSecret } from './keys.ts'

/** Content on disk, and in a cluster in its Secrets as well. */
export function openContent(
  connection: Connection,
  config: AgentConfig,
  log: Log,
): { readonly content: ContentCache; close(): Promise<void> } {
  const near = createFileContentCache(config.data)
  const secret = nameSecret(connection, config.contentSecret, 'groundswell-agent-content')
  if (!secret) return { content: near, close: () => Promise.resolve() }
  const opened = createSecretShelves(connection, secret)
  const { shelves } = opened
  return { content: createKeptContent({ near, shelves, log }), close: () => opened.close() }
}
