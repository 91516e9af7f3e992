import { createPublicKey } from 'node:crypto'
import { digestOf } from '@groundswell/proto/digest.ts'
import type { ImageQuestion } from '../../render/answer.ts'
import type { ImageAnswer } from '../engine.ts'
import { parseJson } from './cosign.ts'
import { parseImage } from './image.ts'
import type { SignaturePlace, SignatureRule, Signatures } from './rule.ts'

/**
 * Answers what a rule in the engine has to know of an image.
 *
 * @throws HubError `source_unreachable`, `source_refused` when the registry does not answer
 */
export async function answerQuestion(
  question: ImageQuestion,
  place: SignaturePlace,
  signatures: Signatures,
  signal: AbortSignal,
): Promise<ImageAnswer> {
  const { id } = question
  const image = parseImage(question.image)
  if (image?.digest === undefined) {
    const reason = `${question.image} is not an image reference with a digest`
    return { id, kind: 'refused', reason, statements: [] }
  }
  const pinned = { ...image, digest: image.digest }
  const answer = await signatures.check(pinned, toRule(question, place), signal)
  switch (answer.kind) {
    case 'trusted':
      return {
        ...{ id, kind: 'trusted', reason: '' },
        statements: answer.statements.map((bytes) => Buffer.from(bytes).toString()),
      }
    case 'refused':
      return { id, kind: 'refused', reason: answer.reason, statements: [] }
    case 'unasked':
      return { id, kind: 'unasked', reason: '', statements: [] }
    default:
      return answer satisfies never
  }
}

function toRule(question: ImageQuestion, place: SignaturePlace): SignatureRule {
  const { key, identities, trustedRoot, predicateType } = question
  return {
    ...place,
    images: undefined,
    keys: key === undefined ? [] : [createPublicKey(key)],
    identities,
    attestation:
      predicateType === undefined ? undefined : { predicateType, conditions: [], keeps: true },
    ...(trustedRoot === undefined ? {} : { trustedRoot: parseJson(Buffer.from(trustedRoot)) }),
    digest: digestOf(JSON.stringify([place.digest, key, identities, trustedRoot, predicateType])),
  }
}
