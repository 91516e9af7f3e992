/* Policies of every kind that Kubernetes' own admission knows, and objects to hold them to. */

export const deployment = (fields: {
  readonly name?: string
  readonly labels?: string
  readonly spec?: string
  readonly container?: string
}): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${fields.name ?? 'web'}, namespace: default, labels: { app: web${fields.labels ?? ''} } }
spec:
  selector: { matchLabels: { app: web } }${fields.spec ?? ''}
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx${fields.container ?? ''} }] }
`

export const admissionPolicy = (name: string, spec: string): string =>
  `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: ${name} }
spec:
  matchConstraints:
    resourceRules:
      - { apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments] }
${spec}`

export const binding = (policy: string, more = '', actions = 'Deny'): string =>
  `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: ${policy} }
spec: { policyName: ${policy}, validationActions: [${actions}]${more} }
`

const limits = `apiVersion: v1
kind: ConfigMap
metadata: { name: limits, namespace: default }
data: { max: "3" }
`

/** Each with its binding and parameters. */
export const admissionPolicies: Readonly<Record<string, string>> = {
  'counts on defaults': [
    admissionPolicy(
      'replicas',
      `  validations:
    - { expression: object.spec.replicas >= 2, message: give two replicas at least }
    - { expression: "object.spec.strategy.type == 'RollingUpdate'", messageExpression: "'strategy is ' + object.spec.strategy.type" }
    - { expression: "object.spec.template.spec.containers.all(c, c.imagePullPolicy != 'Never')" }
`,
    ),
    binding('replicas'),
  ].join('---\n'),
  'takes parameters': [
    admissionPolicy(
      'at-most',
      `  paramKind: { apiVersion: v1, kind: ConfigMap }
  variables: [{ name: most, expression: int(params.data.max) }]
  validations:
    - { expression: object.spec.replicas <= variables.most, messageExpression: "'more than ' + string(variables.most)" }
`,
    ),
    binding(
      'at-most',
      ', paramRef: { name: limits, namespace: default, parameterNotFoundAction: Deny }',
    ),
    limits,
  ].join('---\n'),
  'misses its parameters': [
    admissionPolicy(
      'missing',
      `  paramKind: { apiVersion: v1, kind: ConfigMap }
  validations: [{ expression: "object.spec.replicas < 100" }]
`,
    ),
    binding(
      'missing',
      ', paramRef: { name: nothing-there, namespace: default, parameterNotFoundAction: Deny }',
    ),
  ].join('---\n'),
  'has match conditions': [
    admissionPolicy(
      'conditional',
      `  matchConditions:
    - { name: labelled, expression: "has(object.metadata.labels) && 'tier' in object.metadata.labels" }
  validations:
    - { expression: "object.metadata.labels.tier in ['gold', 'silver']", message: "  there is no such tier  " }
`,
    ),
    binding('conditional'),
  ].join('---\n'),
  'counts in quantities': [
    admissionPolicy(
      'memory',
      `  validations:
    - expression: >-
        object.spec.template.spec.containers.all(c, !has(c.resources.limits) || !('memory' in c.resources.limits) ||
        quantity(c.resources.limits['memory']).isLessThan(quantity('1Gi')))
      message: less than a gibibyte, please
      reason: Forbidden
`,
    ),
    binding('memory'),
  ].join('---\n'),
  'ends in an error, which denies': [
    admissionPolicy(
      'broken',
      `  validations:
    - { expression: "object.metadata.annotations['owner'] != ''", message: never said }
`,
    ),
    binding('broken'),
  ].join('---\n'),
  'ends in an error, which is ignored': [
    admissionPolicy(
      'ignoring',
      `  failurePolicy: Ignore
  validations:
    - { expression: "object.metadata.annotations['owner'] != ''" }
`,
    ),
    binding('ignoring'),
  ].join('---\n'),
  'asks who it is and where': [
    admissionPolicy(
      'request',
      `  validations:
    - { expression: "request.operation == 'CREATE' && request.namespace == namespaceObject.metadata.name && oldObject == null" }
    - { expression: "namespaceObject.metadata.labels['kubernetes.io/metadata.name'] != 'default' || object.metadata.name != 'web-3'", message: not that name in default }
`,
    ),
    binding('request'),
  ].join('---\n'),
  'is bound to some objects only': [
    admissionPolicy('bound', `  validations: [{ expression: "false", message: never }]\n`),
    binding('bound', ', matchResources: { objectSelector: { matchLabels: { tier: lead } } }'),
  ].join('---\n'),
}

/** Deployments that some of them admit and some deny. */
export const deployments: Readonly<Record<string, string>> = {
  plain: deployment({}),
  many: deployment({ name: 'web-2', spec: '\n  replicas: 5' }),
  some: deployment({ name: 'web-3', spec: '\n  replicas: 3\n  strategy: { type: Recreate }' }),
  lead: deployment({ name: 'web-4', labels: ', tier: lead', spec: '\n  replicas: 2' }),
  gold: deployment({ name: 'web-5', labels: ', tier: gold', spec: '\n  replicas: 2' }),
  heavy: deployment({
    name: 'web-6',
    spec: '\n  replicas: 2',
    container: ', resources: { limits: { memory: 2Gi } }, imagePullPolicy: Never',
  }),
}
