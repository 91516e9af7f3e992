import { parseArgs } from 'node:util'

/** What `npm run demo -- …` was asked for. */
export interface DemoOptions {
  /** Show everything once, check it, print one JSON object and end. */
  readonly once: boolean
  /** Contexts of the user's kubeconfig to use instead of local clusters; the first is the canary. */
  readonly contexts: readonly string[]
  readonly help: boolean
}

export const usage = `npm run demo [-- [--once] [--context NAME]...]

  --once          first rollout, good change, bad change, revert and drift, each checked;
                  one JSON object on stdout; exit code 0 only if everything held
  --context NAME  a cluster of your kubeconfig instead of three local ones; may be repeated.
                  The first one is the canary, the others are production. The demo makes the
                  namespaces notice, storefront, greeter and groundswell-system there, refuses
                  to start where one of them exists, and deletes them when it ends.
`

/** Command-line words → options. @throws Error in words for the person who typed them */
export function parseOptions(argv: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      once: { type: 'boolean', default: false },
      context: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  })
  const contexts = values.context
  const twice = contexts.find((name, at) => contexts.indexOf(name) !== at)
  if (twice !== undefined) throw new Error(`--context ${twice}: named twice`)
  if (contexts.includes('')) throw new Error('--context: needs a name')
  return { once: values.once, contexts, help: values.help }
}
