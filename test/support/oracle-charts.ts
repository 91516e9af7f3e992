/* Charts that use what charts use, to be rendered by us and by helm. */

const config = (name: string, data: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n${data.replace(/^/gm, '  ')}\n`

const head = (name: string, more = '') =>
  `apiVersion: v2\nname: ${name}\nversion: 1.2.3\nappVersion: "4.5"\n${more}`

const library = {
  'charts/common/Chart.yaml': head('common', 'type: library\n'),
  'charts/common/templates/_labels.tpl':
    '{{- define "common.labels" -}}\napp.kubernetes.io/name: {{ .Chart.Name }}\nhelm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}\n{{- end -}}\n',
}

const manyCrds = Array.from(
  { length: 4 },
  (_, at) => `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: wide${at}.x.io}
spec:
  group: x.io
  scope: Namespaced
  names: {kind: Wide${at}, plural: wide${at}}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
${Array.from({ length: 1500 }, (_, field) => `          field${field}: {type: string, description: "The field number ${field}, described at some length so that it takes its room, as generated definitions do."}`).join('\n')}
`,
).join('')

export const charts: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'api version v1 with requirements.yaml': {
    'Chart.yaml': 'apiVersion: v1\nname: old\nversion: 0.1.0\n',
    'requirements.yaml': 'dependencies:\n- {name: db, version: 1.2.3, condition: db.enabled}\n',
    'values.yaml': 'db: {enabled: true, size: 3}\n',
    'charts/db/Chart.yaml': head('db').replace('v2', 'v1'),
    'charts/db/values.yaml': 'size: 1\nname: store\n',
    'charts/db/templates/a.yaml': config('{{ .Values.name }}', 'size: "{{ .Values.size }}"'),
    'templates/a.yaml': config('{{ .Release.Name }}', 'x: y'),
  },
  'conditions, tags, aliases and imported values': {
    'Chart.yaml': head(
      'umbrella',
      `dependencies:
- {name: db, version: ">=1.0.0", alias: first, condition: first.enabled}
- {name: db, version: ">=1.0.0", alias: second, tags: [extra]}
- {name: cache, version: "~1.2", condition: cache.enabled, import-values: [exported, {child: inner.value, parent: taken}]}
`,
    ),
    'values.yaml':
      'tags: {extra: false}\nfirst: {enabled: true, size: 7}\ncache: {enabled: true}\nglobal: {zone: eu}\n',
    'charts/db/Chart.yaml': head('db'),
    'charts/db/values.yaml': 'size: 1\n',
    'charts/db/templates/a.yaml': config(
      '{{ .Chart.Name }}-{{ .Values.size }}',
      'zone: {{ .Values.global.zone }}\nname: {{ .Release.Name | upper }}',
    ),
    'charts/cache/Chart.yaml': head('cache'),
    'charts/cache/values.yaml': 'exports: {exported: {flag: "on"}}\ninner: {value: {depth: 3}}\n',
    'templates/a.yaml': config(
      'top',
      'flag: {{ .Values.flag | quote }}\ndepth: {{ .Values.taken.depth | quote }}\nsubs: {{ .Subcharts | keys | sortAlpha | join "," | quote }}',
    ),
  },
  'a library chart and named templates': {
    'Chart.yaml': head('app', 'dependencies:\n- {name: common, version: 1.2.3}\n'),
    ...library,
    'templates/a.yaml':
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ include "app.name" . }}\n  labels:\n    {{- include "common.labels" . | nindent 4 }}\nspec:\n  ports:\n  - port: {{ .Values.port }}\n    targetPort: {{ .Values.port | int64 }}\n',
    'templates/_app.tpl':
      '{{- define "app.name" -}}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{- end -}}\n',
    'values.yaml': 'port: 8080\n',
  },
  'tpl, toYaml, dig, merge, range and with': {
    'Chart.yaml': head('funcs'),
    'values.yaml':
      'text: "{{ .Release.Namespace }}/{{ .Values.name }}"\nname: deep\nresources: {limits: {cpu: 1, memory: 1Gi}}\nlist: [{a: 1}, {a: 2}]\nbig: 9007199254740993\nratio: 0.1\nnothing: null\n',
    'templates/a.yaml':
      config(
        'funcs',
        [
          'tpl: {{ tpl .Values.text . | quote }}',
          'dig: {{ dig "limits" "cpu" "none" .Values.resources | quote }}',
          'json: {{ .Values.resources | toJson | quote }}',
          'big: {{ .Values.big | int64 | quote }}',
          'bigRaw: "{{ .Values.big }}"',
          'ratio: {{ .Values.ratio | quote }}',
          'merged: {{ merge (dict "a" 1) (dict "a" 2 "b" 3) | toJson | quote }}',
          'semver: {{ semverCompare ">=1.20-0" .Capabilities.KubeVersion.Version | quote }}',
          'sha: {{ "x" | sha256sum }}',
          'list: {{ range .Values.list }}{{ .a }}{{ end }}',
          'has: {{ hasKey .Values "nothing" | quote }}',
          'lookup: {{ lookup "v1" "Secret" "a" "b" | toJson | quote }}',
          'files: {{ .Files.Get "motd.txt" | b64enc }}',
          'globbed: {{ (.Files.Glob "conf/*").AsConfig | toJson | quote }}',
        ].join('\n'),
      ) +
      '{{- with .Values.resources }}\n---\n' +
      config('resources', 'yaml: |\n  {{- toYaml . | nindent 4 }}') +
      '{{- end }}\n',
    'motd.txt': 'hello\n',
    'conf/a.ini': 'a=1\n',
    'conf/b.ini': 'b=2\n',
  },
  'hooks, tests, notes, partials and empty documents': {
    'Chart.yaml': head('hooks'),
    'templates/NOTES.txt': 'Thanks for {{ .Release.Name }}\n',
    'templates/tests/t.yaml':
      'apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {"helm.sh/hook": test}}\nspec: {containers: []}\n',
    'templates/a.yaml': `{{- if false }}\n${config('never', 'a: b')}{{- end }}\n---\n# only a comment\n---\n${config('once', 'a: b')}---\n`,
    'templates/b.yaml':
      'apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations:\n    helm.sh/hook: pre-install,pre-upgrade\n    helm.sh/hook-weight: "-5"\n    helm.sh/hook-delete-policy: before-hook-creation\n',
  },
  'a library chart by itself': {
    'Chart.yaml': head('library', 'type: library\n'),
    'templates/_a.tpl': '{{ define "a" }}{{ end }}',
  },
  'capabilities in a copy of what a template was given': {
    'Chart.yaml': head('copied'),
    'values.yaml': 'name: a\n',
    'templates/a.yaml': config(
      'copied',
      'minor: {{ $c := deepCopy . }}{{ $c.Capabilities.KubeVersion.Minor | quote }}\napps: {{ $d := merge (deepCopy .) (dict "Values" (dict "more" 1)) }}{{ $d.Capabilities.APIVersions.Has "apps/v1" | quote }}\nmore: {{ $d.Values.more | quote }}',
    ),
  },
  'capabilities taken as a whole': {
    'Chart.yaml': head('whole'),
    'templates/a.yaml': config(
      'whole',
      'text: {{ .Capabilities.KubeVersion | toString | quote }}\nprinted: {{ printf "%s" .Capabilities.KubeVersion | quote }}\nkind: {{ kindOf .Capabilities.KubeVersion }}',
    ),
  },
  'capabilities of the program': {
    'Chart.yaml': head('caps', 'kubeVersion: ">=1.20.0-0"\n'),
    'templates/a.yaml': config(
      'caps',
      [
        'version: {{ .Capabilities.KubeVersion.Version | quote }}',
        'minor: {{ .Capabilities.KubeVersion.Minor | quote }}',
        'apps: {{ .Capabilities.APIVersions.Has "apps/v1" | quote }}',
        'kind: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}',
        'routes: {{ .Capabilities.APIVersions.Has "route.openshift.io/v1" | quote }}',
        'helm: {{ .Capabilities.HelmVersion.Version | trunc 2 | quote }}',
        'install: {{ .Release.IsInstall }}-{{ .Release.Revision }}-{{ .Release.Service }}',
        'template: {{ .Template.Name | quote }}',
      ].join('\n'),
    ).replace(/install: (.*)/, 'install: "$1"'),
  },
  'CRDs of a megabyte, and objects of theirs': {
    'Chart.yaml': head('crds'),
    'crds/wide.yaml': manyCrds,
    'templates/a.yaml':
      'apiVersion: x.io/v1\nkind: Wide1\nmetadata: {name: a}\nspec: {field1: x}\n',
  },
  'a schema that holds': {
    'Chart.yaml': head('strict'),
    'values.yaml': 'port: 80\n',
    'values.schema.json':
      '{"$schema":"https://json-schema.org/draft-07/schema#","type":"object","required":["port"],"properties":{"port":{"$ref":"#/definitions/port"}},"definitions":{"port":{"type":"integer","maximum":65535}}}',
    'templates/a.yaml': config('strict', 'port: "{{ .Values.port }}"'),
  },
  'a schema that does not hold': {
    'Chart.yaml': head('strict'),
    'values.yaml': 'port: many\n',
    'values.schema.json': '{"properties":{"port":{"type":"integer"}}}',
    'templates/a.yaml': config('strict', 'port: "{{ .Values.port }}"'),
  },
  'a hundred objects of one range': {
    'Chart.yaml': head('many'),
    'templates/a.yaml':
      '{{- range $at := until 300 }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ printf "many-%03d" $at }}\ndata:\n  at: {{ $at | quote }}\n{{- end }}\n',
  },
  'scalars that two YAMLs read differently': {
    'Chart.yaml': head('scalars'),
    'values.yaml':
      'yes: on\nmode: 0644\ntime: 12:30\nexp: 1e3\nunder: 1_000\nhex: 0x1F\nbig: 12345678901\n',
    'templates/a.yaml':
      'apiVersion: x.io/v1\nkind: Any\nmetadata: {name: a}\nspec:\n  yes: yes\n  mode: 0644\n  octal: 0o17\n  big: 9007199254740993\n  values: {{ .Values | toJson }}\n  yaml:\n    {{- .Values | toYaml | nindent 4 }}\n',
  },
  'a subchart packed beside its parent is found by file://': {
    'Chart.yaml': head('nested', 'dependencies:\n- {name: deep, version: 1.2.3}\n'),
    'charts/deep/Chart.yaml': head('deep', 'dependencies:\n- {name: deeper, version: 1.2.3}\n'),
    'charts/deep/charts/deeper/Chart.yaml': head('deeper'),
    'charts/deep/charts/deeper/templates/a.yaml': config('deeper', 'v: {{ .Values.v | quote }}'),
    'values.yaml': 'deep: {deeper: {v: 9}}\n',
  },
}
