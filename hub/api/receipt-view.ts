import { type Static, Type } from 'typebox'
import type { FiledReceipt, ReceiptPlace } from '../receipt/kept.ts'
import { type Frozen, DigestText } from './views.ts'

/* What agents signed of what they did. */

const Count = Type.Integer({ minimum: 0 })
const Time = Type.String({ description: 'RFC 3339, UTC' })

const receipt = {
  id: Type.String({ description: 'line of the ledger, and which of that line’s' }),
  cluster: Type.String(),
  application: Type.String(),
  outcome: Type.Unsafe<'applied' | 'failed' | 'removed'>({
    type: 'string',
    enum: ['applied', 'failed', 'removed'],
  }),
  generation: Count,
  content: Type.Union([DigestText, Type.Null()], {
    description: 'digest of the manifest; null where it was taken away',
  }),
  snapshot: DigestText,
  epoch: Count,
  sequence: Count,
  objects: Count,
  results: DigestText,
  at: Type.String({ description: 'RFC 3339, UTC; by the agent’s clock' }),
  keptAt: Time,
  envelope: Type.String({ description: 'compact JWS, signed by the agent' }),
}

export const ReceiptView = Type.Object(receipt, {
  $id: 'ReceiptView',
  description: 'What an agent signed of an application it applied or took away.',
})

const ObjectReceiptView = Type.Object({
  object: Type.String({ description: 'group/kind/namespace/name' }),
  result: Type.Unsafe<'applied' | 'unchanged' | 'deleted' | 'failed'>({
    type: 'string',
    enum: ['applied', 'unchanged', 'deleted', 'failed'],
  }),
  resourceVersion: Type.String({ description: 'empty when it is not there' }),
  code: Type.String({ description: 'of what went wrong, or empty' }),
})

export const ReceiptResultsView = Type.Object(
  {
    ...receipt,
    resultsKept: Type.Boolean({
      description: 'false: the hub that kept them no longer has them, or was another replica',
    }),
    items: Type.Array(ObjectReceiptView, { description: 'what came of each object' }),
    continue: Type.Union([Type.String(), Type.Null()], { description: 'null on the last page' }),
  },
  { $id: 'ReceiptResultsView', description: 'A receipt with what came of each object.' },
)

export type ReceiptView = Frozen<Static<typeof ReceiptView>>
export type ReceiptResultsView = Frozen<Static<typeof ReceiptResultsView>>

export function viewReceipt(filed: FiledReceipt): ReceiptView {
  const { id, cluster, envelope, keptAt } = filed
  const { content, at, ...said } = filed.receipt
  return {
    id: formatReceiptPlace(id),
    ...{ cluster, application: said.application, outcome: said.outcome },
    generation: said.generation,
    content: content === 'removed' ? null : content,
    ...{ snapshot: said.snapshot, epoch: said.epoch, sequence: said.sequence },
    ...{ objects: said.objects, results: said.results },
    at: timeOf(at * 1_000),
    keptAt: timeOf(keptAt),
    envelope,
  }
}

export const receiptIdShape = '^[1-9][0-9]{0,14}\\.[0-9]{1,3}$'

export function formatReceiptPlace({ line, at }: ReceiptPlace): string {
  return `${line}.${at}`
}

/** Of text that has the shape; anything else is a place where nothing is. */
export function readReceiptPlace(text: string): ReceiptPlace {
  const [line = '', at = ''] = text.split('.', 2)
  return { line: Number(line), at: Number(at) }
}

/** An agent's clock may be anything; what it says must stay a time that can be written. */
function timeOf(milliseconds: number): string {
  const latest = Date.UTC(9999, 11, 31)
  return new Date(Math.min(milliseconds, latest)).toISOString()
}
