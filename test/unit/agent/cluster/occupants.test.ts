import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LiveObject } from '../../../../agent/cluster/port.ts'
import { readInstances, readLabelled, readOccupants } from '../../../../agent/cluster/occupants.ts'

const never = new AbortController().signal

const served = (resource: string, kind: string, scope = 'Namespaced') => ({
  ...{ resource, scope, responseKind: { kind } },
  verbs: ['list', 'delete'],
})
const owner = { apiVersion: 'v1', kind: 'ReplicationController', name: 'web', uid: 'web' }
const policy = { apiVersion: 'tides.example.org/v1', kind: 'Policy', name: 'all', uid: 'all' }

interface Others {
  /** What owns those that are owned. */
  readonly by?: object
  /** Metadata of a Policy of the whole cluster, should there be one. */
  readonly policy?: object | undefined
  /** A group's version for which nobody answers. */
  readonly stale?: string
}

/** An API server that serves pods, and policies of the whole cluster, in pages as asked for. */
function serve(
  names: readonly string[],
  owned: (name: string) => boolean,
  { by = owner, policy, stale }: Others = {},
) {
  const pages: string[] = []
  const get = async (path: string) => {
    const url = new URL(path, 'https://api')
    const answer = (value: unknown) => ({
      status: 200,
      retryAfter: undefined,
      body: JSON.stringify(value),
    })
    if (url.pathname === '/api') {
      const core = [served('pods', 'Pod'), served('nothings', 'ReplicationController')]
      return answer({ items: [{ metadata: {}, versions: [{ version: 'v1', resources: core }] }] })
    }
    if (url.pathname === '/apis') {
      const resources = [served('policies', 'Policy', 'Cluster')]
      const tides = {
        metadata: { name: 'tides.example.org' },
        versions: [{ version: 'v1', resources }],
      }
      const lost = { metadata: { name: stale }, versions: [{ version: 'v1', freshness: 'Stale' }] }
      return answer({ items: stale === undefined ? [tides] : [tides, lost] })
    }
    if (url.pathname.endsWith('/policies/all')) {
      return { ...answer({ metadata: policy }), status: policy ? 200 : 404 }
    }
    if (url.pathname.endsWith('/nothings')) return answer({ items: [] })
    pages.push(path)
    const from = Number(url.searchParams.get('continue') ?? 0)
    const to = from + Number(url.searchParams.get('limit'))
    return answer({
      metadata: to < names.length ? { continue: String(to) } : {},
      items: names.slice(from, to).map((name) => ({
        metadata: { name, ...(owned(name) && { ownerReferences: [by] }) },
      })),
    })
  }
  return { get, pages }
}

describe('readOccupants', () => {
  it('F46: sees an object of nobody behind hundreds that have an owner', async () => {
    const names = [...Array.from({ length: 1_100 }, (_, at) => `pod-${at}`), 'zz-by-hand']
    const { get, pages } = serve(names, (name) => name.startsWith('pod-'))
    assert.deepEqual(await readOccupants('room', get, never), [
      { group: '', kind: 'Pod', namespace: 'room', name: 'zz-by-hand' },
    ])
    assert.equal(pages.length, 3)
  })

  it('looks no further when it has seen a thousand', async () => {
    const names = Array.from({ length: 5_000 }, (_, at) => `pod-${at}`)
    const { get, pages } = serve(names, () => false)
    assert.equal((await readOccupants('room', get, never)).length, 1_000)
    assert.equal(pages.length, 2)
  })

  it('F46: sees what an owner of the whole cluster keeps there, and not what goes with one that went', async () => {
    const look = (there?: object) =>
      readOccupants('room', serve(['a', 'b'], () => true, { by: policy, policy: there }).get, never)
    const names = (found: Awaited<ReturnType<typeof look>>) => found.map(({ name }) => name)
    assert.deepEqual(names(await look({ uid: 'all' })), ['a', 'b'])
    assert.deepEqual(names(await look()), [])
    assert.deepEqual(names(await look({ uid: 'another' })), [])
    assert.deepEqual(
      names(await look({ uid: 'all', deletionTimestamp: '2026-01-01T00:00:00Z' })),
      [],
    )
    const unknown = { apiVersion: 'gone.example.org/v1', kind: 'Owner', name: 'x', uid: 'x' }
    const { get } = serve(['a'], () => true, { by: unknown })
    assert.deepEqual(names(await readOccupants('room', get, never)), ['a'])
  })

  it('F46: says nothing of a namespace while nobody answers for a group', async () => {
    const { get } = serve([], () => false, { stale: 'lost.example.org' })
    await assert.rejects(readOccupants('room', get, never), {
      code: 'cluster_unreachable',
      message: /nobody answers for lost\.example\.org\/v1/,
    })
  })
})

describe('readInstances', () => {
  const define = (isServed: boolean) =>
    ({
      spec: {
        ...{ group: '', scope: 'Namespaced', names: { kind: 'Pod', plural: 'pods' } },
        versions: [
          { name: 'v0', served: false },
          { name: 'v1', served: isServed },
        ],
      },
    }) as unknown as LiveObject

  it('finds all of a kind, whoever owns them', async () => {
    const { get } = serve(['a', 'b'], (name) => name === 'b')
    const found = await readInstances(define(true), get, never)
    assert.deepEqual(
      found.map(({ name }) => name),
      ['a', 'b'],
    )
  })

  it('does not take a kind that is not served for one that has no objects', async () => {
    const { get } = serve([], () => false)
    await assert.rejects(readInstances(define(false), get, never), { code: 'prune_refused' })
  })
})

describe('readLabelled', () => {
  const label = 'groundswell.dev/application'

  it('asks for several at once, and goes on past a kind that cannot be listed, which it tells', async () => {
    const served = serve(['a'], () => false)
    const get = async (path: string) => {
      if (!path.includes('/policies')) return served.get(path)
      const body = JSON.stringify({ message: 'conversion webhook for Policy failed' })
      return { status: 500, retryAfter: undefined, body }
    }
    const { objects, unseen } = await readLabelled(label, ['shop', 'web'], get, never)
    assert.deepEqual(
      objects.map(({ id }) => id.name),
      ['a'],
    )
    assert.deepEqual(unseen, ['list policies: conversion webhook for Policy failed'])
    assert.match(
      decodeURIComponent(served.pages[0]!),
      /labelSelector=.*application\+in\+\(shop,web\)/,
    )
  })

  it('leaves out a kind that may not be listed, and throws where nobody answers at all', async () => {
    const served = serve(['a'], () => false)
    const refuse = (status: number, part: string) => async (path: string) =>
      path.includes(part) ? { status, retryAfter: undefined, body: '{}' } : served.get(path)
    const look = await readLabelled(label, ['shop'], refuse(403, '/policies'), never)
    assert.deepEqual([look.objects.length, look.unseen], [1, []])
    await assert.rejects(readLabelled(label, ['shop'], refuse(503, '/apis'), never), {
      code: 'cluster_unreachable',
    })
  })
})
