import type { Digest } from '@groundswell/proto/digest.ts'
import type { AskedFacts } from './asked-facts.ts'
import { type BundleMemory, type MadeBundle, rememberedBundles } from './bundle-memory.ts'
import type { RenderInput } from './engine.ts'
import { createQuestions, keyOfAsked } from './questions.ts'

/**
 * Bundles by what they were made of. Of clusters only that counts which a render asked of them: one
 * that was upgraded, or got another definition, gets anew only what wanted to know.
 */
export function createBundles(memory: BundleMemory | undefined) {
  const bundles = new Map<Digest, MadeBundle>()
  const questions = createQuestions(rememberedBundles)
  let remembering: Promise<void> | undefined

  return {
    /** Takes up what was kept over a restart; once. */
    remember(): Promise<void> {
      remembering ??= (async () => {
        for (const [key, made] of (await memory?.load()) ?? []) {
          bundles.set(key, made)
          if (made.base && made.asked) questions.note(made.base, made.asked)
        }
      })()
      return remembering
    },

    /** @param base names all that it is made of but what is known of the cluster */
    find(base: Digest, input: RenderInput): MadeBundle | undefined {
      const key = [base, ...questions.keysOf(base, input)].find((each) => bundles.has(each))
      return key && bundles.get(key)
    },

    async keep(
      base: Digest,
      input: RenderInput,
      bundle: MadeBundle,
      asked?: AskedFacts,
    ): Promise<MadeBundle> {
      const key = asked ? keyOfAsked(base, asked, input) : base
      const made = asked ? { ...bundle, base, asked } : bundle
      if (asked) questions.note(base, asked)
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
      questions.forget()
    },
  }
}
