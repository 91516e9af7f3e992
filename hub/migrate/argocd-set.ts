import { addApplication, type ArgoApplication } from './argocd-application.ts'
import type { Clusters } from './argocd-clusters.ts'
import { listParameters } from './argocd-generators.ts'
import type { Draft } from './draft.ts'
import { fillParameters } from './parameters.ts'
import { type ForeignDocument, listOf, membersOf, textOf } from './foreign-document.ts'
import type { ForeignFile } from './migration.ts'

/**
 * `ApplicationSet` → one Application for each set of parameters; of a clusters generator one for all
 * clusters that its selector picks, since an Application has targets here.
 */
export function expandSet(
  draft: Draft,
  clusters: Clusters,
  document: ForeignDocument,
  files: readonly ForeignFile[],
  places: Pick<ArgoApplication, 'isChart' | 'ownIn'>,
): void {
  const spec = membersOf(document.value['spec'])
  draft.tellRest(
    document,
    ['spec'],
    spec,
    ['generators', 'template', 'goTemplate', 'goTemplateOptions', 'syncPolicy'],
    {
      strategy: 'write a RolloutStrategy: its waves have soak, limits and gates',
      templatePatch: 'write it into the targets',
      ignoreApplicationDifferences: 'an Application is what Git says',
    },
  )
  const keep = membersOf(spec['syncPolicy'])['preserveResourcesOnDeletion'] === true
  const template = membersOf(spec['template'])
  listOf(spec['generators']).forEach((generator, index) => {
    const path = ['spec', 'generators', index]
    for (const { parameters, pick } of listParameters(
      draft,
      document,
      path,
      membersOf(generator),
      template,
      files,
    )) {
      const unknown = new Set<string>()
      const filled = fillParameters(template, parameters, unknown)
      for (const name of unknown) {
        draft.gap(
          document,
          ['spec', 'template'],
          `{{${name}}} cannot be filled in; the text stays as it is`,
        )
      }
      const { metadata, spec: made } = membersOf(filled)
      const name = textOf(membersOf(metadata)['name']) ?? document.name
      // The name of an application says nothing of a cluster here.
      const plain = name.replace(/[-.]?\$\{cluster\.[^}]*\}[-.]?/g, '') || document.name
      addApplication(draft, clusters, document, ['spec', 'template'], {
        ...{ name: plain, release: name, ...places },
        ...{ metadata: membersOf(metadata), spec: membersOf(made) },
        ...(pick && { pick }),
        ...(keep && { keep }),
      })
    }
  })
}
