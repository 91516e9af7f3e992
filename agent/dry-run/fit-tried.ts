import { around, sizeOfField, sizeOfTexts } from '../observe/wire-size.ts'
import type { Tried } from './try.ts'

/** Of the 4 MiB that a hub takes in one message. */
const answerBytes = 3 * 1024 * 1024

/**
 * What was said to each object, within one message: an answer that is too large would end the stream.
 * Every verdict is told; what would change in detail is left out where there is no room for it.
 */
export function fitTried(tried: readonly Tried[], limit = answerBytes): readonly Tried[] {
  let left = tried.reduce((rest, one) => rest - sizeOfHead(one), limit)
  return tried.map((one) => {
    const size = sizeOfDetail(one)
    if (size <= left) {
      left -= size
      return one
    }
    const message = one.message || 'in more than fits an answer; ask for fewer objects at a time'
    return { ...one, message, warnings: [], fields: [] }
  })
}

const sizeOfHead = ({ object, file, code, message }: Tried): number =>
  2 * around + sizeOfTexts([object, file, code, message])
const sizeOfDetail = ({ warnings, fields }: Tried): number =>
  fields.reduce((sum, field) => sum + sizeOfField(field), sizeOfTexts(warnings))
