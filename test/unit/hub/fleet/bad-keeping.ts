import { application, every } from './bad-configurations.ts'

/** What people get wrong in how an application's objects are kept, as in bad-configurations.ts. */
export const badKeeping: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'CEL that ends too early',
    application(
      `healthCheckExprs:\n- apiVersion: a.io/v1\n  kind: A\n  current: has(status.x) &&\nsource:\n  path: a\n${every}`,
    ),
    '9:14',
    /CEL, at character 17: Unexpected token: EOF/,
  ],
  [
    'CEL of a variable there is not',
    application(
      `healthCheckExprs:\n- apiVersion: a.io/v1\n  kind: A\n  current: "true"\n  failed: statu.phase == "x"\nsource:\n  path: a\n${every}`,
    ),
    '10:13',
    /CEL, at character 1: Unknown variable: statu/,
  ],
  [
    'a kind whose health is told twice, by two versions',
    application(
      `healthCheckExprs:\n- {apiVersion: a.io/v1, kind: A, current: "true"}\n- {apiVersion: a.io/v2, kind: A, current: "true"}\nsource:\n  path: a\n${every}`,
    ),
    '8:33',
    /A of this group is there already/,
  ],
  [
    'a rule that ignores nothing',
    application(`ignoreDifferences:\n- kind: Deployment\nsource:\n  path: a\n${every}`),
    '7:5',
    /ignores nothing: give `jsonPointers` or `managedFieldsManagers`/,
  ],
  [
    'a field to ignore by jq',
    application(
      `ignoreDifferences:\n- kind: Deployment\n  jqPathExpressions: [.spec]\nsource:\n  path: a\n${every}`,
    ),
    '8:24',
    /jq is not supported; name the fields in `jsonPointers`/,
  ],
  [
    'fields to ignore that are no pointers, or needed',
    application(
      `ignoreDifferences:\n- jsonPointers: [spec.replicas, /metadata/name, /a~b]\nsource:\n  path: a\n${every}`,
    ),
    '7:20',
    /must begin with a slash/,
  ],
  [
    'CEL for the whole fleet that ends too early',
    healthCheck('one', 'has(status.x) &&'),
    '9:14',
    /CEL, at character 17: Unexpected token: EOF/,
  ],
  [
    'a kind that two health checks of the fleet judge, by two versions',
    `${healthCheck('one', '"true"')}---\n${healthCheck('two', '"true"').replace('a.io/v1', 'a.io/v2')}`,
    '18:11',
    /A of this group is judged by HealthCheck one already, at bad.yaml:1/,
  ],
  [
    'a health check of the fleet that checks nothing',
    healthCheck('one', '"true"').replace(/healthCheckExprs:.*/s, 'healthCheckExprs: []\n'),
    '6:21',
    /must not be empty/,
  ],
]

function healthCheck(name: string, current: string): string {
  return `apiVersion: groundswell.dev/v1alpha1\nkind: HealthCheck\nmetadata:\n  name: ${name}\nspec:\n  healthCheckExprs:\n  - apiVersion: a.io/v1\n    kind: A\n    current: ${current}\n`
}
