import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { type AskedFacts, answerAsked } from './asked-facts.ts'
import type { RenderInput } from './engine.ts'

/** Different questions that one source is known to ask; which, depends on what is answered. */
const mostQuestions = 16

/** What renders are known to ask of their cluster, by what they are made of beside that. */
export function createQuestions(mostBases: number) {
  /** The newest last. */
  const questions = new Map<Digest, Map<string, AskedFacts>>()
  return {
    note(base: Digest, asked: AskedFacts): void {
      const known = questions.get(base) ?? new Map<string, AskedFacts>()
      const name = JSON.stringify(asked)
      known.delete(name)
      known.set(name, asked)
      if (known.size > mostQuestions) known.delete(known.keys().next().value!)
      questions.delete(base)
      questions.set(base, known)
      if (questions.size > mostBases) questions.delete(questions.keys().next().value!)
    },
    has: (base: Digest): boolean => questions.has(base),
    /** Under these an answer is found that holds for this cluster, too; the likeliest first. */
    keysOf: (base: Digest, input: RenderInput): Digest[] =>
      [...(questions.get(base)?.values() ?? [])]
        .reverse()
        .map((asked) => keyOfAsked(base, asked, input)),
    forget: () => questions.clear(),
  }
}

/** Names what a render gives that asked this and was answered as this cluster answers. */
export function keyOfAsked(base: Digest, asked: AskedFacts, input: RenderInput): Digest {
  return digestOf(JSON.stringify([base, asked, answerAsked(asked, input)]))
}
