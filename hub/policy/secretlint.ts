import { lintSource } from '@secretlint/core'
import { creator } from '@secretlint/secretlint-rule-preset-recommend'
import type { RenderedObject } from '../render/engine.ts'
import type { Found } from './judge.ts'
import { findLiteralSecrets, type Leaf, listLeaves } from './secrets.ts'

const rule = '@secretlint/secretlint-rule-preset-recommend'
/** One text at a time is searched; more would only make each search longer. */
const mostText = 256 * 1024

/**
 * Secrets in plain text: Secrets with literal data, and whatever looks like a key or a token
 * anywhere else. Found by secretlint; what was found is told by its kind, never by its letters.
 */
export async function findSecrets(objects: readonly RenderedObject[]): Promise<Found[]> {
  const found = findLiteralSecrets(objects)
  let batch: Leaf[] = []
  let size = 0
  for (const leaf of listLeaves(objects)) {
    batch.push(leaf)
    size += leaf.text.length
    if (size < mostText) continue
    found.push(...(await search(batch)))
    batch = []
    size = 0
  }
  return [...found, ...(await search(batch))]
}

async function search(leaves: readonly Leaf[]): Promise<Found[]> {
  let content = ''
  const ends: number[] = []
  for (const { path, text } of leaves) {
    content += `${path.slice(path.lastIndexOf('.') + 1)}: ${text}\n`
    ends.push(content.length)
  }
  const { messages } = await lintSource({
    source: { content, filePath: 'objects.yaml', ext: '.yaml', contentType: 'text' },
    options: {
      maskSecrets: true,
      noPhysicFilePath: true,
      config: { rules: [{ id: rule, rule: creator }] },
    },
  })
  return messages.map(({ messageId, range }) => {
    const { object, file, path, allowed } = leaves[ends.findIndex((end) => range[0] < end)]!
    const message = `${path} looks like a secret (${messageId})`
    return {
      ...{ rule: 'plaintext secret', object, file },
      ...(allowed === undefined
        ? { message }
        : { message: `${message} (annotated: ${allowed})`, action: 'audit' as const }),
    }
  })
}
