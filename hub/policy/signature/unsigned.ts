import { isRecord } from '@groundswell/proto/record.ts'
import type { RenderedObject } from '../../render/engine.ts'
import type { Found } from '../judge.ts'
import { findImages, type Image, parseImage } from './image.ts'
import { isMeant, type PinnedImage, type SignatureRule, type Signatures } from './rule.ts'

/** What is told of images under a rule for signatures. */
export const signatureCheck = 'signatures'

/**
 * Holds the images of a render to rules for signatures.
 *
 * @throws HubError `source_unreachable`, `source_refused` when a registry does not answer: nothing
 *   is known then
 */
export async function findUnsigned(
  objects: readonly RenderedObject[],
  rules: readonly SignatureRule[],
  signatures: Signatures,
  signal: AbortSignal,
): Promise<Found[]> {
  const found: Found[] = []
  for (const { id, json, file } of objects) {
    const value: unknown = JSON.parse(json)
    if (!isRecord(value) || id.kind === 'CustomResourceDefinition') continue
    for (const { place, text } of findImages(value)) {
      const image = parseImage(text)
      for (const rule of rules) {
        const told = await judge(text, image, rule, signatures, signal)
        if (told === undefined) continue
        const { message, action } = told
        found.push({
          ...{ rule: signatureCheck, object: id, file, message: `${place}: ${message}` },
          ...(action && { action }),
        })
      }
    }
  }
  return found
}

async function judge(
  text: string,
  image: Image | undefined,
  rule: SignatureRule,
  signatures: Signatures,
  signal: AbortSignal,
): Promise<{ readonly message: string; readonly action?: 'audit' } | undefined> {
  if (!image) return { message: `"${text}" is not an image reference` }
  if (!isMeant(rule, image)) return undefined
  if (!isPinned(image)) {
    return {
      message: `${text} has no digest, so no signature tells what will run: write ${text}@sha256:…`,
    }
  }
  const answer = await signatures.check(image, rule, signal)
  switch (answer.kind) {
    case 'trusted':
      return undefined
    case 'refused':
      return { message: `${text} is not signed as it must be: ${answer.reason}` }
    case 'unasked':
      return {
        message: `the signature of ${text} is asked for by the hub, in its registry; not here`,
        action: 'audit',
      }
    default:
      throw new TypeError('no such answer')
  }
}

function isPinned(image: Image): image is PinnedImage {
  return image.digest !== undefined
}
