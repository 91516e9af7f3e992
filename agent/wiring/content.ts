import type { Log } from '../agent.ts'
import type { Connection } from '../cluster/connection.ts'
import type { AgentConfig } from '../config.ts'
import { createKeptContent } from '../content/kept.ts'
import { createSecretShelves } from '../content/kube.ts'
import { createFileContentCache, createFileKept } from '../trust/fs.ts'
import type { KeptStore } from '../trust/kept.ts'
import { createKeptCopies } from '../trust/kept-copies.ts'
import type { ContentCache } from '../trust/state.ts'
import { nameSecret } from './keys.ts'

/** Content and snapshots of before on disk, and in a cluster in its Secrets as well. */
export function openContent(
  connection: Connection,
  config: AgentConfig,
  log: Log,
): { readonly content: ContentCache; readonly kept: KeptStore; close(): Promise<void> } {
  const near = createFileContentCache(config.data)
  const secret = nameSecret(connection, config.contentSecret, 'groundswell-agent-content')
  const file = createFileKept(config.data)
  if (!secret) return { content: near, kept: file, close: () => Promise.resolve() }
  const opened = createSecretShelves(connection, secret)
  const { shelves, kept: far } = opened
  return {
    content: createKeptContent({ near, shelves, log }),
    kept: createKeptCopies({ near: file, far, log }),
    close: () => opened.close(),
  }
}
