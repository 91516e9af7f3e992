import { type Static, Type } from 'typebox'
import { closed, Name, Values } from './fields.ts'
import { checkInside, checkName, checkValuesFile, type Names, type Report } from './names.ts'

export const ApplicationSource = Type.Object(
  {
    /** Name of a Repository; the fleet repository itself when left out. */
    repository: Type.Optional(Name),
    path: Type.String({ minLength: 1 }),
    directory: Type.Optional(
      Type.Object(
        {
          recurse: Type.Optional(Type.Boolean()),
          include: Type.Optional(Type.Array(Type.String())),
          exclude: Type.Optional(Type.Array(Type.String())),
        },
        closed,
      ),
    ),
    kustomize: Type.Optional(Type.Object({}, closed)),
    helm: Type.Optional(
      Type.Object(
        {
          releaseName: Type.Optional(Name),
          values: Type.Optional(Values),
          valuesFiles: Type.Optional(Type.Array(Type.String())),
        },
        closed,
      ),
    ),
  },
  closed,
)

export type ApplicationSource = Static<typeof ApplicationSource>

export function checkSource(source: ApplicationSource, names: Names, report: Report): void {
  if (source.repository !== undefined && source.repository !== 'fleet') {
    checkName(
      source.repository,
      names.repositories,
      'Repository',
      ['spec', 'source', 'repository'],
      report,
    )
  }
  checkInside(source.path, ['spec', 'source', 'path'], report)
  const kinds = (['directory', 'kustomize', 'helm'] as const).filter((kind) => source[kind])
  if (kinds.length > 1) {
    report(['spec', 'source', kinds[1]!], `a source has one kind; here are ${kinds.join(' and ')}`)
  }
  source.helm?.valuesFiles?.forEach((file, index) =>
    checkValuesFile(source.path, file, ['spec', 'source', 'helm', 'valuesFiles', index], report),
  )
}
