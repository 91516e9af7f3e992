import assert from 'node:assert/strict'
import { contentSecrets } from '../../../../agent/content/kube.ts'
import { describe, it } from 'node:test'
import { parseAllDocuments } from 'yaml'
import {
  type AgentManifestOptions,
  type KubeObject,
  formatAgentManifest,
  listAgentObjects,
} from '../../../../hub/cli/agent-manifest.ts'

const options: AgentManifestOptions = {
  namespace: 'groundswell-system',
  image: 'registry.example/agent:1',
  hub: 'hub.example:8443',
  token: 'a-token',
  clusterRole: 'cluster-admin',
}

function read(text: string): KubeObject[] {
  return parseAllDocuments(text, { version: '1.1' }).map((one) => one.toJS() as KubeObject)
}

const idOf = ({ kind, metadata }: KubeObject): string =>
  [kind, metadata.namespace, metadata.name].filter(Boolean).join('/')

describe('what is applied to run an agent', () => {
  it('is the same text each time, and reads back as what was meant', () => {
    const objects = listAgentObjects(options)
    const text = formatAgentManifest(objects)
    assert.equal(text, formatAgentManifest(listAgentObjects({ ...options })))
    assert.deepEqual(read(text), objects)
  })

  it('names everything once, what others need before them', () => {
    const ids = listAgentObjects(options).map(idOf)
    assert.equal(new Set(ids).size, ids.length)
    assert.deepEqual(ids.slice(0, 2), [
      'Namespace/groundswell-system',
      'ServiceAccount/groundswell-system/groundswell-agent',
    ])
    assert.equal(ids.at(-1), 'Deployment/groundswell-system/groundswell-agent')
  })

  it('keeps words that YAML 1.1 reads as something else', () => {
    for (const namespace of ['on', 'no', 'y', '1e3', '0x1f', '1_000', 'null', '12']) {
      const text = formatAgentManifest(listAgentObjects({ ...options, namespace }))
      assert.equal(read(text)[0]!.metadata.name, namespace)
    }
  })

  it('in another namespace it still keeps inventories where the next agent looks for them', () => {
    const objects = listAgentObjects({ ...options, namespace: 'agents' })
    const ids = objects.map(idOf)
    assert(ids.includes('Namespace/agents'))
    assert(ids.includes('Namespace/groundswell-system'))
    assert(ids.includes('RoleBinding/groundswell-system/groundswell-agent-inventory'))
    for (const object of objects) {
      if (!object.kind.endsWith('Binding')) continue
      const account = { kind: 'ServiceAccount', name: 'groundswell-agent', namespace: 'agents' }
      assert.deepEqual(object['subjects'], [account])
    }
  })

  it('lets it make no Secret, and read none but its own', () => {
    const rules = listAgentObjects(options).flatMap(
      (object) => (object['rules'] ?? []) as { resources: string[]; verbs: string[] }[],
    )
    const secrets = rules.filter(({ resources }) => resources.includes('secrets'))
    assert.deepEqual(secrets, [
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: [
          'groundswell-agent-identity',
          'groundswell-agent-trust',
          ...Array.from({ length: contentSecrets }, (_, n) => `groundswell-agent-content-${n}`),
          'groundswell-agent-content-kept',
        ],
        verbs: ['get', 'update'],
      },
      {
        apiGroups: [''],
        resources: ['secrets'],
        resourceNames: ['groundswell-agent-sops'],
        verbs: ['get'],
      },
    ])
    assert(rules.every(({ verbs, resources }) => ![...verbs, ...resources].includes('*')))
  })
})
