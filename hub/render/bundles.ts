import { type Digest, digestOf } from '@groundswell/proto/digest.ts'
import { type AskedFacts, answerAsked } from './asked-facts.ts'
import { type BundleMemory, type MadeBundle, rememberedBundles } from './bundle-memory.ts'
import type { RenderInput } from './engine.ts'

/** Different questions that one source is known to ask; which, depends on what is answered. */
const mostQuestions = 16

/**
 * Bundles by what they were made of. Of clusters only that counts which a render asked of them: one
 * that was upgraded, or got another definition, renders anew only what wanted to know.
 */
export function createBundles(memory: BundleMemory | undefined) {
  const bundles = new Map<Digest, MadeBundle>()
  /** What renders of a base asked; the newest last. */
  const questions = new Map<Digest, Map<string, AskedFacts>>()
  let remembering: Promise<void> | undefined

  function note(base: Digest, asked: AskedFacts): void {
    const known = questions.get(base) ?? new Map<string, AskedFacts>()
    const name = JSON.stringify(asked)
    known.delete(name)
    known.set(name, asked)
    if (known.size > mostQuestions) known.delete(known.keys().next().value!)
    questions.delete(base)
    questions.set(base, known)
    if (questions.size > rememberedBundles) questions.delete(questions.keys().next().value!)
  }

  return {
    /** Takes up what was kept over a restart; once. */
    remember(): Promise<void> {
      remembering ??= (async () => {
        for (const [key, made] of (await memory?.load()) ?? []) {
          bundles.set(key, made)
          if (made.base && made.asked) note(made.base, made.asked)
        }
      })()
      return remembering
    },

    /** @param base names all that it is made of but what is known of the cluster */
    find(base: Digest, input: RenderInput): MadeBundle | undefined {
      const plain = bundles.get(base)
      if (plain) return plain
      for (const asked of [...(questions.get(base)?.values() ?? [])].reverse()) {
        const made = bundles.get(keyOf(base, asked, input))
        if (made) return made
      }
      return undefined
    },

    async keep(
      base: Digest,
      input: RenderInput,
      bundle: MadeBundle,
      asked?: AskedFacts,
    ): Promise<MadeBundle> {
      const key = asked ? keyOf(base, asked, input) : base
      const made = asked ? { ...bundle, base, asked } : bundle
      if (asked) note(base, asked)
      bundles.set(key, made)
      await memory?.keep(key, made)
      for (const oldest of bundles.keys()) {
        if (bundles.size <= rememberedBundles) break
        bundles.delete(oldest)
      }
      return made
    },

    /** After the content store was lost. */
    forget(): void {
      bundles.clear()
      questions.clear()
    },
  }
}

function keyOf(base: Digest, asked: AskedFacts, input: RenderInput): Digest {
  return digestOf(JSON.stringify([base, asked, answerAsked(asked, input)]))
}
