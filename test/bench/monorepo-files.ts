import { clusterName } from './fleet-text.ts'

/* One repository with everything: applications of a hundred files each, of which a render reads
   what their kustomization names. Each application is of one cluster, so a change has one target. */

const api = 'apiVersion: groundswell.dev/v1alpha1'
/** A file of configuration has at most 1 MiB. */
const applicationsInFile = 500

export const monorepoApplications = 1_000
export const filesInApplication = 100

export function applicationName(index: number): string {
  return `a${String(index).padStart(4, '0')}`
}

/** The file, and object, that a run changes. */
export function settingsFile(index: number): string {
  return `apps/${applicationName(index)}/settings.yaml`
}

export function settingsText(index: number, word: string): string {
  const name = applicationName(index)
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  word: ${word}\n`
}

/** Everything but the clusters. */
export function monorepoFiles(clusters: number): Record<string, string> {
  const files: Record<string, string> = {
    'fleet/strategy.yaml': `${api}\nkind: RolloutStrategy\nmetadata:\n  name: at-once\nspec:\n  waves:\n    - name: all\n      selector: {}\n`,
  }
  const documents: string[] = []
  for (let index = 0; index < monorepoApplications; index++) {
    const name = applicationName(index)
    const folder = `apps/${name}`
    files[settingsFile(index)] = settingsText(index, 'first')
    files[`${folder}/kustomization.yaml`] = 'resources:\n  - settings.yaml\n'
    for (let file = 2; file < filesInApplication; file++) {
      files[`${folder}/src/${file % 10}/file-${file}.txt`] = `${name} ${file}\n`
    }
    documents.push(
      `${api}\nkind: Application\nmetadata:\n  name: ${name}\nspec:\n  source: { path: ${folder}, kustomize: {} }\n  targets:\n    - clusters: [${clusterName(index % clusters)}]\n  targetNamespace: ${name}\n  createNamespace: true\n  rolloutStrategy: at-once\n`,
    )
  }
  for (let at = 0; at < documents.length; at += applicationsInFile) {
    const name = `fleet/applications-${at / applicationsInFile}.yaml`
    files[name] = documents.slice(at, at + applicationsInFile).join('---\n')
  }
  return files
}
