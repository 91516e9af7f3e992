import { isDigest } from '@groundswell/proto/digest.ts'
import type { Seal } from '../replica/seal.ts'
import type { ChainHead } from './chain.ts'

/** What a commit of the ledger's branch says of itself, sealed: it is how far its file goes, and who says so. */
export interface Published {
  /** Where its file ends. */
  readonly head: ChainHead
  /** In which term; 0 of a hub that was always alone. */
  readonly term: number
  /** Name of the replica, or of the hub. */
  readonly by: string
}

const label = 'Sealed: '

/** A commit's message. */
export function formatPublished({ head, term, by }: Published, seal: Seal): string {
  const what = term === 0 ? '' : ` in term ${term}`
  const sealed = seal.close(`${head.index} ${head.digest} ${term} ${by}`)
  return `Ledger up to entry ${head.index}${what}\n\n${label}${sealed}`
}

/** Undefined for a commit that no hub of this fleet sealed. */
export function parsePublished(message: string, seal: Seal): Published | undefined {
  const line = message.split('\n').find((one) => one.startsWith(label))
  const text = line && seal.open(line.slice(label.length))
  if (!text) return undefined
  const [index = '', digest = '', term = '', ...by] = text.split(' ')
  if (!isDigest(digest)) return undefined
  return { head: { index: Number(index), digest }, term: Number(term), by: by.join(' ') }
}
