import { type Static, Type } from 'typebox'
import { closed, Name, TemplatedName, Values } from './fields.ts'
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
    kustomize: Type.Optional(
      Type.Object(
        {
          /** Names of Repositories that kustomizations may take bases of, by their address. */
          bases: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: 20 })),
        },
        closed,
      ),
    ),
    helm: Type.Optional(
      Type.Object(
        {
          releaseName: Type.Optional(TemplatedName),
          values: Type.Optional(Values),
          valuesFiles: Type.Optional(Type.Array(Type.String())),
          /** Of a chart repository or registry; values files stay those of `repository`, below `path`. */
          repo: Type.Optional(
            Type.String({
              maxLength: 2048,
              description:
                'https://host/path of a chart repository, or oci://host/path of a registry',
            }),
          ),
          chart: Type.Optional(
            Type.String({
              pattern: '^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,126}[a-zA-Z0-9])?$',
              description: 'the name of a chart',
            }),
          ),
          /** A version, or a range such as `^1.2`, of which the newest is taken. */
          version: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
          /** Name of a credential the hub's own configuration defines: for `repo`, or for the dependencies of a chart in Git. */
          credential: Type.Optional(Type.String({ minLength: 1 })),
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
  source.kustomize?.bases?.forEach((name, index) =>
    checkName(
      name,
      names.repositories,
      'Repository',
      ['spec', 'source', 'kustomize', 'bases', index],
      report,
    ),
  )
  checkInside(source.path, ['spec', 'source', 'path'], report)
  const kinds = (['directory', 'kustomize', 'helm'] as const).filter((kind) => source[kind])
  if (kinds.length > 1) {
    report(['spec', 'source', kinds[1]!], `a source has one kind; here are ${kinds.join(' and ')}`)
  }
  const { repo, chart, version } = source.helm ?? {}
  const helm = ['spec', 'source', 'helm']
  const wrong = repo === undefined ? undefined : whyBadRepo(repo)
  if (wrong !== undefined) report([...helm, 'repo'], wrong)
  if (repo !== undefined) {
    if (chart === undefined) report(helm, '`repo` needs `chart`, the name of a chart in it')
    if (version === undefined) report(helm, '`repo` needs a `version`, or a range of versions')
  } else {
    for (const [name, value] of Object.entries({ chart, version })) {
      if (value !== undefined) report([...helm, name], `needs \`repo\`, where the chart is fetched`)
    }
  }
  source.helm?.valuesFiles?.forEach((file, index) =>
    checkValuesFile(source.path, file, ['spec', 'source', 'helm', 'valuesFiles', index], report),
  )
}

/** Never repeats what may be a password (bad input B21). */
function whyBadRepo(repo: string): string | undefined {
  if (repo.includes('@')) return 'holds a user name or password; name a `credential` instead'
  if (/^(https?|oci):\/\/[A-Za-z0-9.:[\]-]+(\/[A-Za-z0-9._~%+-]+)*$/.test(repo)) return undefined
  return 'is not https://host/path of a chart repository, nor oci://host/path of a registry, without a slash at the end'
}
