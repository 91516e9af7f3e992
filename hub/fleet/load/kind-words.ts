import type { Kind } from '../kinds.ts'

/* What kinds and fields are for, in the words an editor shows beside them. */

const kindWords: Readonly<Record<string, string>> = {
  Repository: 'A Git repository that applications come from.',
  Cluster: 'A Kubernetes cluster an agent may join as; its labels are what selectors pick it by.',
  ClusterGroup: 'Clusters by selector, by name, or both.',
  Application: 'What runs, where it comes from, and on which clusters.',
  RolloutStrategy: 'In which waves a change reaches clusters, and what stops it.',
  Policy: 'What rendered objects must or must not be.',
  Project:
    'A tenant: where its applications may come from, where they may go, of what they may be.',
  HealthCheck:
    'How objects of a kind fare in the whole fleet, where an Application says nothing else.',
  MetricTemplate: 'A measurement that a gate of a wave can ask for.',
  NotificationProvider: 'Where messages go.',
  Alert: 'Which events are told to which providers.',
}

/** By the end of a field's path, the longest that fits; a kind before it, where it means one only. */
const fieldWords: Readonly<Record<string, string>> = {
  'metadata.name': 'Lower-case letters, digits and dashes, at most 63; unique within the kind.',
  'metadata.labels': 'As in Kubernetes; of a Cluster, what selectors look at.',
  clusterSelector: 'Picks clusters by their labels; {} picks every cluster.',
  clusterGroup: 'Name of a ClusterGroup.',
  clusters: 'Names of Clusters.',
  matchLabels: 'Labels that must have these values.',
  matchExpressions: 'Conditions that must all hold.',
  suspend: 'Left as it is while true: nothing new is rolled out, nothing is removed.',
  credential: 'Name of a credential in the hub’s own configuration; never the credential itself.',
  timeout: 'Such as 30s or 5m.',
  'Repository.spec.url':
    'https://host/path, ssh://user@host/path or user@host:path, without a password.',
  'Repository.spec.ref': 'What to follow: one of its fields. The branch main when left out.',
  'Repository.spec.interval': 'How often to look for commits; 1m when left out.',
  'Application.spec.project':
    'The Project whose limits hold; the one called default when left out, if it is there.',
  'Application.spec.source': 'Where its objects come from.',
  'source.repository': 'Name of a Repository; the fleet repository itself when left out.',
  'source.path': 'Directory in the repository.',
  directory: 'Plain manifests.',
  kustomize: 'A kustomization.',
  bases: 'Names of Repositories that its kustomizations may take bases of, by their address.',
  helm: 'A Helm chart.',
  recurse: 'Directories below, too.',
  'directory.include':
    'Globs of files, relative to the path; all when left out. `*` stays within a folder, `**/` stands for any folders or none.',
  'directory.exclude': 'Globs of files to leave out.',
  'RolloutStrategy.spec.revert':
    'pullRequest opens one that undoes the commit once a rollout was rolled back, where --forges may write.',
  'Alert.spec.types': 'Globs of event types, such as rollout.*; all when left out.',
  'Alert.spec.template':
    'The whole text; ${severity}, ${type}, ${kind}, ${name}, ${message}, ${rollout}, ${revision}, ${actor}, ${time}, ${fleet} and ${summary} are filled in.',
  'eventSources.clusterGroup': 'Of clusters, those of this group.',
  'Alert.spec.include': 'Globs of messages; all when left out.',
  'Alert.spec.exclude': 'Globs of messages to leave out.',
  releaseName:
    'Helm’s release name; the application’s name when left out. It may hold `${cluster.name}` and `${cluster.labels.KEY}`.',
  values: 'Values of the chart. ${cluster.name} and ${cluster.labels.KEY} are filled in.',
  valuesFiles:
    'Relative to the source’s path, or to the repository with a leading slash; later ones win.',
  targets:
    'Which clusters get it, and what differs there. The first that matches a cluster decides.',
  'targets.name': 'Name of this target, shown where it decided.',
  'targets.exclude': 'Matching clusters do not get the application, whatever later targets say.',
  'targets.patches': 'Kustomize patches for these clusters.',
  'patches.patch': 'A strategic merge patch, or a list of JSON 6902 operations.',
  'patches.target': 'Which objects it is for; told from a strategic merge patch when left out.',
  'targets.namespace':
    'Instead of targetNamespace; may hold ${cluster.name} or ${cluster.labels.KEY}.',
  targetNamespace: 'For objects that name none; may hold ${cluster.name} or ${cluster.labels.KEY}.',
  createNamespace: 'Adds the Namespace to the objects.',
  prune: 'Objects that are no longer rendered are deleted; true when left out.',
  pruneLimit:
    'More deletions at once on a cluster wait for a person; 30% (never fewer than 5 objects) or 50 objects when left out.',
  confirmPrune: 'What an agent asked for when it held deletions back (prune_held).',
  allowEmpty:
    'An application that renders to nothing, or to the Namespace of `createNamespace` alone, is refused unless true.',
  deletionPolicy:
    'What becomes of its objects when the Application is deleted; Delete when left out.',
  drift:
    'What differs from Git is put right, only reported, or not looked for; correct when left out.',
  dependsOn: 'Applications that have to be healthy on a cluster before this one is applied there.',
  'dependsOn.ready':
    'CEL over dep and self (name, revision, phase, health, objects, readyObjects, driftedObjects) that says when it is ready; by its health when left out.',
  adoption:
    'What becomes of objects that are there already: taken over (Always, when left out), taken over if that changes nothing, or refused.',
  replace: 'Objects that are deleted and made anew where the API server refuses a change of them.',
  'replace.group': 'Empty for the core group; any when left out.',
  serviceAccount:
    'namespace/name of the ServiceAccount whose rights objects are written with; the agent’s own when left out.',
  'Application.spec.timeout':
    'How long a hook, a wave of objects or a deletion may take on a cluster; 5m when left out.',
  ignoreDifferences:
    'Fields that are left to others: no drift, and written as they are found once the object is there.',
  'ignoreDifferences.group': 'Glob of API groups; the empty text is the core group.',
  'ignoreDifferences.kind': 'Glob of kinds.',
  'ignoreDifferences.namespace': 'Glob of namespaces.',
  'ignoreDifferences.name': 'Glob of names.',
  jsonPointers: 'Fields such as /spec/replicas; what lies below is ignored, too.',
  jqPathExpressions: 'Not supported: name the fields in jsonPointers.',
  managedFieldsManagers: 'Field managers whose fields are left to them.',
  healthCheckExprs:
    'CEL that says how objects of a kind fare, instead of the rule for the kind; asked in the order inProgress, failed, current.',
  'healthCheckExprs.apiVersion': 'Its group counts, its version does not.',
  'healthCheckExprs.inProgress': 'True while the object is on its way.',
  'healthCheckExprs.failed': 'True when it will not get there.',
  'healthCheckExprs.current': 'True when it is as it should be.',
  'Application.spec.rolloutStrategy':
    'Name of a RolloutStrategy; one wave of all clusters when left out.',
  'Application.spec.rollout': 'A strategy of its own, instead of one by name.',
  waves: 'In this order; a cluster is in exactly one.',
  'waves.selector': 'Picks clusters by their labels.',
  'waves.count': 'So many of the clusters that no earlier wave took, or such a part of them.',
  'waves.sortBy': 'A label whose value orders clusters before their names do.',
  maxConcurrent: 'Clusters at a time, or a part of the wave; all when left out.',
  maxFailures:
    'More clusters that fail than these, of all waves, stop the rollout; each wave’s own number alone does when left out.',
  'waves.maxFailures':
    'More clusters that fail than these stop the rollout; 0 when left out. A percentage rounds up, and one of less than 100% never to all clusters.',
  mandatory: 'No cluster may fail, whatever maxFailures and onFailure say.',
  soak: 'How long a cluster must stay healthy before it counts.',
  progressDeadline: 'How long a cluster may take.',
  before: 'What must hold before the wave begins.',
  after: 'What must hold before the next wave begins.',
  'approval.role': 'Who may approve; operator when left out.',
  'approval.count': 'So many different people; 1 when left out.',
  'approval.notAuthor':
    'Neither who made a commit that it brings nor who started the rollout may approve.',
  'before.soak': 'How long to wait before the wave begins.',
  'after.soak': 'How long to wait once the wave is done.',
  'metric.template': 'Name of a MetricTemplate.',
  'cel.expression': 'True lets the rollout on.',
  'cel.message': 'What it means, for whoever reads why the rollout waits.',
  'cel.interval': 'How often to look; 15s when left out.',
  'cel.deadline': 'The gate fails when it does not hold by then; it waits for ever when left out.',
  'webhook.url': 'Is sent a signed CloudEvent; answers pass, fail or wait.',
  'webhook.interval': 'How often to ask; 30s when left out.',
  'webhook.deadline':
    'The gate fails when it has not passed by then; it waits for ever when left out.',
  'matchExpressions.values': 'Of In and NotIn: what the label may be, or may not.',
  'MetricTemplate.spec.query': 'PromQL; ${cluster.name} and the like are filled in.',
  'MetricTemplate.spec.per': 'cluster when left out.',
  'MetricTemplate.spec.interval': 'How often it is measured; 1m when left out.',
  'MetricTemplate.spec.count': 'So many good values in all make the gate pass; 1 when left out.',
  'MetricTemplate.spec.failureLimit': 'More bad values make it fail; 0 when left out.',
  'MetricTemplate.spec.timeout': 'How long an answer may take; 10s when left out, 5m at most.',
  'MetricTemplate.spec.missing': 'What an answer without data counts as; fail when left out.',
  onFailure: 'pause when left out.',
  offline: 'What becomes of clusters that are away; skip when left out.',
  supersede: 'What a newer change does to a rollout that runs; replace when left out.',
  unmatched: 'Clusters no wave picks: an error, or part of the last wave.',
  'Project.spec.sources': 'Where its applications may come from.',
  'sources.repository': 'Name of a Repository or a glob of names; fleet is the fleet repository.',
  'sources.url': 'Glob of a Repository’s URL; * stands for anything but a slash, ** for anything.',
  'sources.paths': 'Globs of directories; what is below them is in, too. All when left out.',
  'Project.spec.destinations': 'Where its applications may go.',
  namespaces: 'Namespaces or globs of them; * is any.',
  clusterScoped: 'Kinds outside of namespaces: none unless allowed.',
  namespaced: 'Kinds in namespaces: all unless denied.',
  'Project.spec.roles':
    'Who may do what through the API and `swell`, by groups of the identity provider.',
  windows: 'When rollouts may or may not begin.',
  'windows.kind':
    'allow: only while one of these is open; deny: never while it is open, whatever else allows it.',
  'windows.duration': 'How long it stays open, such as 8h.',
  'windows.applications': 'Globs of names of applications; all when left out.',
  'windows.reason': 'Shown to whoever waits for it.',
  schedule: 'Five cron fields: when it opens.',
  timeZone: 'Such as Europe/Berlin; UTC when left out.',
}

export function describeKind(kind: Kind): string | undefined {
  return kindWords[kind]
}

/** @param path of field names, lists left out: `spec`, `targets`, `values` */
export function describeField(kind: Kind, path: readonly string[]): string | undefined {
  const whole = [kind, ...path]
  return whole
    .map((_, at) => whole.slice(at).join('.'))
    .map((end) => (Object.hasOwn(fieldWords, end) ? fieldWords[end] : undefined))
    .find((words) => words !== undefined)
}
