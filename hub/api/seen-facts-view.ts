import { Type } from 'typebox'

const From = Type.Unsafe<'git' | 'agent' | 'nobody'>({
  type: 'string',
  enum: ['git', 'agent', 'nobody'],
})

/** What charts are rendered for on one cluster. */
export const SeenFactsView = Type.Object(
  {
    kubernetesVersion: Type.String({ description: 'empty: what the engine takes by itself' }),
    kubernetesVersionFrom: From,
    apis: Type.Integer({ minimum: 0 }),
    apisFrom: From,
  },
  { description: 'what charts are rendered for, and who said so' },
)
