import { Type } from 'typebox'
import { DigestText, view } from './views.ts'

export const FactsView = view(
  'FactsView',
  {
    apis: Type.Array(
      Type.Object({
        digest: DigestText,
        names: Type.Array(Type.String(), {
          description: '`v1`, `apps/v1`, `apps/v1/Deployment`; sorted',
        }),
      }),
      { description: 'each list once' },
    ),
    clusters: Type.Array(
      Type.Object({
        name: Type.String(),
        kubernetesVersion: Type.String(),
        apis: Type.Union([DigestText, Type.Null()], { description: 'digest of one of `apis`' }),
      }),
    ),
  },
  'What agents reported of their clusters; `swell check --facts` reads it.',
)
