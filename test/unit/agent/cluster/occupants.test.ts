import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readOccupants } from '../../../../agent/cluster/occupants.ts'

const never = new AbortController().signal

const pods = {
  resource: 'pods',
  scope: 'Namespaced',
  responseKind: { kind: 'Pod' },
  verbs: ['list', 'delete'],
}

/** An API server that serves pods alone, in pages as asked for. */
function serve(names: readonly string[], owned: (name: string) => boolean) {
  const pages: string[] = []
  const get = async (path: string) => {
    const url = new URL(path, 'https://api')
    const answer = (value: unknown) => ({
      status: 200,
      retryAfter: undefined,
      body: JSON.stringify(value),
    })
    if (url.pathname === '/api') {
      return answer({ items: [{ metadata: {}, versions: [{ version: 'v1', resources: [pods] }] }] })
    }
    if (url.pathname === '/apis') return answer({ items: [] })
    pages.push(path)
    const from = Number(url.searchParams.get('continue') ?? 0)
    const to = from + Number(url.searchParams.get('limit'))
    return answer({
      metadata: to < names.length ? { continue: String(to) } : {},
      items: names.slice(from, to).map((name) => ({
        metadata: { name, ...(owned(name) && { ownerReferences: [{ name: 'web' }] }) },
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
})
