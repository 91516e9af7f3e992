import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listNamed } from '../../../../../agent/apply/prune/named.ts'

const web = 'apps/Deployment/shop/web'
const live = (more: Record<string, unknown>) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', labels: { part: 'label' } },
  ...more,
})
const template = (spec: unknown) => live({ spec: { template: { spec } } })

describe('listNamed', () => {
  it('finds what a pod could not do without, wherever it is named', () => {
    const needed = [
      ...['/ConfigMap/shop/env', '/ConfigMap/shop/files', '/Secret/shop/pull', '/Secret/shop/key'],
      ...['/PersistentVolumeClaim/shop/data', '/ServiceAccount/shop/runner'],
      'scheduling.k8s.io/PriorityClass//high',
    ]
    const object = template({
      serviceAccountName: 'runner',
      priorityClassName: 'high',
      imagePullSecrets: [{ name: 'pull' }],
      containers: [
        {
          envFrom: [{ configMapRef: { name: 'env' } }],
          env: [{ valueFrom: { secretKeyRef: { name: 'key', key: 'x' } } }],
        },
      ],
      volumes: [{ configMap: { name: 'files' } }, { persistentVolumeClaim: { claimName: 'data' } }],
    })
    assert.deepEqual(listNamed(web, object, [...needed, '/ConfigMap/shop/unneeded']), needed)
  })

  it('finds roles and subjects, which are named beside a spec', () => {
    const id = 'rbac.authorization.k8s.io/ClusterRoleBinding//readers'
    const object = {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding' },
      metadata: { name: 'readers' },
      roleRef: { kind: 'ClusterRole', name: 'reader' },
      subjects: [{ kind: 'ServiceAccount', name: 'runner', namespace: 'shop' }],
    }
    const needed = ['rbac.authorization.k8s.io/ClusterRole//reader', '/ServiceAccount/shop/runner']
    assert.deepEqual(listNamed(id, object, needed), needed)
  })

  it('looks at no other namespace, at no labels, no status, and at nothing that runs by itself', () => {
    const object = { ...template({ containers: [{ name: 'job' }] }), status: { note: 'status' } }
    const others = [
      ...['/ConfigMap/shop/label', '/ConfigMap/shop/status', '/ConfigMap/shop/web'],
      ...['batch/Job/shop/job', 'apps/Deployment/shop/job', '/Pod/shop/job'],
    ]
    assert.deepEqual(listNamed(web, object, others), [])
    assert.deepEqual(listNamed(web, template({ a: 'settings' }), ['/ConfigMap/other/settings']), [])
    assert.deepEqual(listNamed(web, template({ a: 'web' }), [web]), [])
  })
})
