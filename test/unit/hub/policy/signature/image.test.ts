import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findImages, parseImage } from '../../../../../hub/policy/signature/image.ts'

const digest = `sha256:${'a'.repeat(64)}` as const

test('a reference is read as container runtimes read it', () => {
  for (const [text, registry, repository, pinned] of [
    ['nginx', 'docker.io', 'library/nginx', false],
    ['team/web:1.2', 'docker.io', 'team/web', false],
    ['registry.example/web', 'registry.example', 'web', false],
    [`registry.example:5000/a/b:1@${digest}`, 'registry.example:5000', 'a/b', true],
    [`localhost/web@${digest}`, 'localhost', 'web', true],
    [`nginx@${digest}`, 'docker.io', 'library/nginx', true],
  ] as const) {
    const image = parseImage(text)
    assert.deepEqual(image, { registry, repository, digest: pinned ? digest : undefined }, text)
  }
  for (const text of [
    '',
    'Web',
    'a b',
    '../etc',
    'a@sha256:1',
    `a@${digest}@${digest}`,
    '-x',
    'a//b',
  ]) {
    assert.equal(parseImage(text), undefined, text)
  }
})

test('images are found wherever an object has containers, also in kinds that nobody knows', () => {
  const pod = {
    containers: [{ image: 'a' }, {}],
    initContainers: [{ image: 'b' }],
    ephemeralContainers: [{ image: 'c' }],
    volumes: [{ image: { reference: 'd' } }],
  }
  const found = findImages({ spec: { runs: [{ template: { spec: pod } }] } })
  assert.deepEqual(
    found.map(({ place, text }) => `${place} ${text}`),
    [
      'spec.runs[0].template.spec.containers[0].image a',
      'spec.runs[0].template.spec.initContainers[0].image b',
      'spec.runs[0].template.spec.ephemeralContainers[0].image c',
      'spec.runs[0].template.spec.volumes[0].image.reference d',
    ],
  )
})
