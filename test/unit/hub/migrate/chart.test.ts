import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chartSource, type RemoteChart } from '../../../../hub/migrate/chart.ts'
import { createDraft } from '../../../../hub/migrate/draft.ts'
import type { ForeignDocument } from '../../../../hub/migrate/foreign-document.ts'

function convert(remote: RemoteChart) {
  const draft = createDraft()
  const document = {
    gap: (_: unknown, message: string) => ({ file: 'a.yaml', message }),
  } as unknown as ForeignDocument
  const source = chartSource(draft, document, ['chart'], remote)
  return { source, gaps: draft.finish().gaps.map(({ message }) => message) }
}

test('a chart is told by its repository or registry, its name and its version', () => {
  for (const [remote, helm] of [
    [
      { chart: 'redis', repo: 'https://a.example/x/' },
      { repo: 'https://a.example/x', chart: 'redis' },
    ],
    [
      { chart: 'redis', repo: 'oci://a.example/x' },
      { repo: 'oci://a.example/x', chart: 'redis' },
    ],
    [
      { chart: 'oci://a.example/x/redis', repo: '' },
      { repo: 'oci://a.example/x', chart: 'redis' },
    ],
    [
      { chart: 'x/redis', repo: 'oci://a.example' },
      { repo: 'oci://a.example/x', chart: 'redis' },
    ],
  ] as const) {
    const { source, gaps } = convert({ ...remote, version: '1.2' })
    assert.deepEqual(source, { path: '.', helm: { ...helm, version: '1.2' } })
    assert.deepEqual(gaps, [])
  }
})

test('what is missing, secret or no chart repository is told', () => {
  const without = convert({
    chart: 'redis',
    repo: 'https://me:secret@a.example',
    version: undefined,
  })
  assert.deepEqual(without.source.helm, { repo: 'https://a.example', chart: 'redis', version: '*' })
  assert.deepEqual(without.gaps, [
    'the address holds a password; name a `credential` instead',
    'no version is given, so `*` takes the newest; write one',
  ])
  const archive = convert({ chart: 'https://a.example/redis-1.tgz', repo: '', version: undefined })
  assert.deepEqual(archive.source.helm, {})
  assert.match(
    archive.gaps.join(),
    /is in no chart repository that is known; put it at charts\/redis/,
  )
  assert.match(
    convert({ chart: 'redis', repo: '', version: '1' }).gaps.join(),
    /put it at charts\/redis/,
  )
})
