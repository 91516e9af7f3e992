import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeGap } from '../../hub/status/event.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { makeAccess } from '../support/access.ts'
import { until } from '../support/until.ts'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** `shop` is the seller's; `grid` is somebody else's and does not differ from what is not there. */
async function startTenants(heartbeat?: number): Promise<TestApi> {
  const test = await startApi(heartbeat)
  const { hub, callers } = test
  hub.access = makeAccess({
    applications: { shop: 'store', grid: 'power' },
    roles: {
      store: [
        { name: 'sellers', groups: ['sellers'], allow: [{ actions: ['plan', 'pause'] }] },
        { name: 'interns', groups: ['interns'], allow: [{ actions: ['read'] }] },
      ],
      power: [{ name: 'all', groups: ['engineers'], allow: [{ actions: ['*'] }] }],
    },
  })
  const [shop] = hub.view.applications
  hub.view.applications.push({ ...shop!, name: 'grid' })
  const [edge] = hub.view.clusters
  hub.view.clusters.push({
    ...edge!,
    name: 'plant',
    applications: edge!.applications.map((one) => ({ ...one, name: 'grid' })),
  })
  const [prod] = hub.view.groups
  hub.view.groups[0] = { ...prod!, clusters: [...prod!.clusters, 'plant'] }
  const [record] = hub.records
  hub.records.push({
    ...record!,
    plan: { ...record!.plan, id: 'r-grid', application: 'grid' },
    run: { ...record!.run, id: 'r-grid' },
  })
  callers.set('seller', { actor: 'oidc:sel', role: null, groups: ['sellers'] })
  callers.set('intern', { actor: 'oidc:int', role: null, groups: ['interns'] })
  callers.set('nobody', { actor: 'oidc:no', role: null, groups: ['others'] })
  return test
}

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function ask(
  { api }: TestApi,
  token: string,
  url: string,
  payload?: Record<string, unknown>,
): Promise<Answer> {
  const method = payload ? 'POST' : 'GET'
  const response = await api.inject({
    method,
    url: `/api/v1/${url}`,
    headers: bearer(token),
    ...(payload && { payload }),
  })
  return { status: response.statusCode, body: response.json() }
}

/** What tells two answers apart, but for what was asked and the request's id. */
function likeness({ status, body }: Answer, name: string): unknown {
  const { instance: _, ...rest } = body
  return { status, body: JSON.stringify(rest).replaceAll(name, 'NAME') }
}

/** Names what the API calls of the hub from here on, in order. */
function recordCalls(hub: TestApi['hub']): string[] {
  const calls: string[] = []
  for (const [name, method] of Object.entries(hub)) {
    if (typeof method !== 'function') continue
    Object.assign(hub, {
      [name](...args: unknown[]) {
        calls.push(name)
        return Reflect.apply(method, hub, args)
      },
    })
  }
  return calls
}

describe('T34: what a caller may not see', () => {
  const pairs: [unseen: string, absent: string, path: (name: string) => string, body?: object][] = [
    ['grid', 'none', (name) => `applications/${name}`],
    ['grid', 'none', (name) => `applications/${name}/diff`],
    ['plant', 'none', (name) => `clusters/${name}`],
    ['grid', 'none', (name) => `clusters/edge-1/applications/${name}/objects`],
    ['grid', 'none', (name) => `applications/${name}/images`],
    ['grid', 'none', (name) => `applications/${name}/revisions`],
    ['grid', 'none', (name) => `applications/${name}/commits/${'a'.repeat(40)}`],
    ['plant', 'none', (name) => `clusters/${name}/receipts`],
    ['2.0', '9.0', (id) => `clusters/edge-1/receipts/${id}`],
    ['r-grid', 'r-none', (name) => `rollouts/${name}`],
    ['r-grid', 'r-none', (name) => `rollouts/${name}/pause`, {}],
    ['r-grid', 'r-none', (name) => `rollouts/${name}/abort`, {}],
  ]
  for (const [unseen, absent, path, body] of pairs) {
    it(`T34: is answered like what is not there: ${path(unseen)}`, async () => {
      await using test = await startTenants()
      const asked = async (name: string) =>
        likeness(await ask(test, 'seller', path(name), body as Record<string, unknown>), name)
      assert.deepEqual(await asked(unseen), await asked(absent))
      assert.deepEqual(test.hub.actions, [])
    })

    it(`T34: takes the same work as what is not there: ${path(unseen)}`, async () => {
      await using test = await startTenants()
      const calls = recordCalls(test.hub)
      const worked = async (name: string) => {
        calls.length = 0
        await ask(test, 'seller', path(name), body as Record<string, unknown>)
        return [...calls]
      }
      const work = await worked(unseen)
      assert.ok(work.includes('rights'))
      // It would take long to gather all that is told of one.
      assert.ok(!work.includes('rollout'))
      assert.deepEqual(work, await worked(absent))
    })
  }

  it('T34: is in no list, page, event or count', async () => {
    await using test = await startTenants()
    const names = async (url: string) =>
      ((await ask(test, 'seller', url)).body['items'] as { name?: string; id?: string }[]).map(
        (one) => one.name ?? one.id,
      )
    assert.deepEqual(await names('applications'), ['shop'])
    assert.deepEqual(await names('clusters'), ['edge-1', 'edge-2', 'lab'])
    assert.deepEqual(await names('rollouts'), ['r-1'])
    assert.deepEqual(await names('clusters/edge-1/receipts'), ['3.0', '1.0'])
    assert.deepEqual(await names('clusters/edge-1/receipts?application=grid'), [])
    const { body: group } = await ask(test, 'seller', 'groups/prod')
    assert.deepEqual(group['clusters'], ['edge-1', 'edge-2'])
    assert.deepEqual(group['counts'], { clusters: 2, connected: 1, unreachable: 1 })
    test.hub.emit({ type: 'x', message: 'mine' })
    test.hub.emit({ type: 'x', message: 'theirs', subject: 'rollout/r-grid' })
    test.hub.emit({ type: 'x', message: 'theirs', subject: 'application/grid' })
    test.hub.emit({ type: 'x', message: 'theirs', subject: 'cluster/plant' })
    test.hub.emit({ type: 'x', message: 'theirs', subject: 'fleet/fleet' })
    test.hub.emit({ type: 'x', message: 'mine', subject: 'cluster/edge-1' })
    const [edge] = test.hub.view.clusters
    const [shop] = edge!.applications
    test.hub.view.clusters[0] = {
      ...edge!,
      applications: [...edge!.applications, { ...shop!, name: 'grid' }],
    }
    test.hub.emit({ type: 'x', message: 'mine: of shop', subject: 'cluster/edge-1' })
    test.hub.emit({ type: 'x', message: 'theirs: of shop, grid', subject: 'cluster/edge-1' })
    const { body } = await ask(test, 'seller', 'events')
    const messages = (body['items'] as { message: string }[]).map(({ message }) => message)
    assert.deepEqual(messages, ['mine', 'mine', 'mine: of shop'])
  })

  it('looks at a cluster once for a page of events, however many of them are of it', async () => {
    await using test = await startTenants()
    for (let at = 0; at < 200; at += 1) {
      test.hub.emit({ type: 'x', message: `number ${at}`, subject: 'cluster/edge-1' })
    }
    const calls = recordCalls(test.hub)
    const { body } = await ask(test, 'seller', 'events?limit=100')
    assert.equal((body['items'] as unknown[]).length, 100)
    assert.equal(calls.filter((name) => name === 'cluster').length, 2)
  })

  it('lets a caller page on over events that are not theirs', async () => {
    await using test = await startTenants()
    for (let i = 0; i < 25; i++) {
      test.hub.emit({ type: 'x', message: 'theirs', subject: 'application/grid' })
    }
    test.hub.emit({ type: 'x', message: 'mine' })
    const { body } = await ask(test, 'seller', 'events?after=1&limit=5')
    assert.deepEqual(
      (body['items'] as { message: string }[]).map(({ message }) => message),
      ['mine'],
    )
  })

  it('shows a caller its newest events, and the next after one, however many of others lie between', async () => {
    await using test = await startTenants()
    const emit = (count: number, message: string, subject?: string): void => {
      for (let i = 0; i < count; i++)
        test.hub.emit({ type: 'x', message, ...(subject && { subject }) })
    }
    emit(1, 'first')
    emit(1_200, 'theirs', 'application/grid')
    emit(1, 'second')
    emit(1, 'third')
    emit(700, 'theirs', 'fleet/fleet')
    const messages = async (query: string): Promise<string[]> => {
      const { body } = await ask(test, 'seller', `events${query}`)
      return (body['items'] as { message: string }[]).map(({ message }) => message)
    }
    assert.deepEqual(await messages(''), ['first', 'second', 'third'])
    assert.deepEqual(await messages('?limit=2'), ['second', 'third'])
    assert.deepEqual(await messages('?after=1&limit=1'), ['second'])
    assert.deepEqual(await messages('?after=1203&limit=1'), [])
  })
})

it('four times at once a caller of few applications may look through the events, and others meanwhile', async () => {
  await using test = await startTenants()
  const events = test.hub.events.bind(test.hub)
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  test.hub.events = async (query) => {
    await gate
    return events(query)
  }
  const asked = Array.from({ length: 6 }, () => ask(test, 'seller', 'events'))
  const refused = await Promise.race(asked)
  assert.deepEqual([refused.status, refused.body['code']], [429, 'too_many_requests'])
  const others = ['intern', 'viewer'].map((caller) => ask(test, caller, 'events'))
  open()
  const codes = (await Promise.all(asked)).map(({ status }) => status)
  assert.deepEqual(
    codes.toSorted((a, b) => a - b),
    [200, 200, 200, 200, 429, 429],
  )
  assert.ok((await Promise.all(others)).every(({ status }) => status === 200))
  assert.equal((await ask(test, 'seller', 'events')).status, 200)
})

describe('a caller who reads events on from an id that is kept no more', () => {
  /** As of a read, the first so many events are gone: whoever asks after one of them is told. */
  const forget = ({ hub }: TestApi, gone: (reads: number) => number): void => {
    const read = hub.events.bind(hub)
    let reads = 0
    Object.assign(hub, {
      events: async (query: Parameters<typeof read>[0]) => {
        const until = gone((reads += 1))
        if (query.after === null || Number(query.after) >= until) return read(query)
        const { items } = await read({ ...query, after: String(until) })
        return { items, gap: describeGap(query.after, String(until + 1)) }
      },
    })
  }
  const emit = ({ hub }: TestApi, count: number, subject: string): void => {
    for (let i = 0; i < count; i++) hub.emit({ type: 'x', message: 'm', subject })
  }
  const page = async (test: TestApi, token: string, query: string): Promise<unknown[]> => {
    const { body } = await ask(test, token, `events?${query}`)
    return [body['gap'], (body['items'] as { id: string }[]).map(({ id }) => id)]
  }

  it('is told of the gap, whether they see all of the fleet or a part', async () => {
    await using test = await startTenants()
    emit(test, 4, 'application/shop')
    forget(test, () => 2)
    for (const token of ['viewer', 'seller']) {
      const gap = describeGap('1', '3')
      assert.deepEqual(await page(test, token, 'after=1'), [gap, ['3', '4']], token)
      assert.deepEqual(await page(test, token, 'after=3'), [null, ['4']], token)
      assert.deepEqual(await page(test, token, 'limit=1'), [null, ['4']], token)
    }
  })

  it('is told by the next page where it was trimmed while the first was read', async () => {
    await using test = await startTenants()
    emit(test, 1, 'application/shop')
    emit(test, 600, 'application/grid')
    emit(test, 1, 'application/shop')
    forget(test, (reads) => (reads === 1 ? 0 : 601))
    assert.deepEqual(await page(test, 'seller', 'after=0'), [null, ['1']])
    assert.deepEqual(await page(test, 'seller', 'after=1'), [describeGap('1', '602'), ['602']])
  })
})

describe('what a caller may do', () => {
  it('is what a role of the Project names, and the refusal names the action', async () => {
    await using test = await startTenants()
    assert.equal((await ask(test, 'seller', 'rollouts/r-1/pause', {})).status, 200)
    assert.equal((await ask(test, 'seller', 'rollouts:plan', { application: 'shop' })).status, 200)
    const refused = await ask(test, 'seller', 'rollouts/r-1/abort', {})
    assert.equal(refused.status, 403)
    assert.match(String(refused.body['detail']), /action abort/)
    const intern = await ask(test, 'intern', 'rollouts/r-1/pause', {})
    assert.deepEqual([intern.status, test.hub.actions.length], [403, 1])
    test.callers.set('engineer', { actor: 'e', role: null, groups: ['engineers', 'interns'] })
    const other = await ask(test, 'engineer', 'rollouts/r-1/pause', {})
    assert.equal(other.status, 403)
    assert.match(String(other.body['detail']), /action pause on shop/)
    assert.equal((await ask(test, 'engineer', 'rollouts/r-grid/pause', {})).status, 200)
  })

  it('is nothing without role or membership, and nothing of the fleet without a fleet role', async () => {
    await using test = await startTenants()
    for (const url of ['clusters', 'applications', 'rollouts', 'events', 'fleet', 'tokens'])
      assert.equal((await ask(test, 'nobody', url)).status, 403, url)
    for (const url of [
      'fleet',
      'sources',
      'pull-requests',
      'authorities',
      'pending-clusters',
      'tokens',
    ])
      assert.equal((await ask(test, 'seller', url)).status, 403, url)
    assert.equal((await ask(test, 'seller', 'tokens', { name: 'x', role: 'admin' })).status, 403)
  })

  it('is told by whoami', async () => {
    await using test = await startTenants()
    const { body } = await ask(test, 'seller', 'whoami')
    assert.deepEqual(body, {
      ...{ actor: 'oidc:sel', role: null, groups: ['sellers'], expiresAt: null, csrf: null },
      actions: ['read', 'plan', 'pause'],
    })
    assert.equal((await ask(test, 'nobody', 'whoami')).status, 200)
  })

  it('ends with the commit that takes the role away', async () => {
    await using test = await startTenants()
    assert.equal((await ask(test, 'seller', 'applications/shop')).status, 200)
    test.hub.access = makeAccess({ applications: { shop: 'store' }, roles: { store: [] } })
    assert.equal((await ask(test, 'seller', 'applications/shop')).status, 403)
  })
})

describe('a live stream', () => {
  for (const [how, change] of [
    ['the login ends', (test: TestApi) => test.callers.delete('seller')],
    [
      'the caller leaves the group',
      (test: TestApi) => test.callers.set('seller', { actor: 'oidc:sel', role: null, groups: [] }),
    ],
    [
      'a commit takes the role away',
      (test: TestApi) =>
        (test.hub.access = makeAccess({ applications: { shop: 'store' }, roles: { store: [] } })),
    ],
  ] as const) {
    it(`T33: is cut when ${how}`, async () => {
      await using test = await startTenants(50)
      const origin = await test.api.listen({ host: '127.0.0.1', port: 0 })
      const response = await fetch(`${origin}/api/v1/events/stream`, { headers: bearer('seller') })
      await until(() => test.hub.subscribers === 1, { deadlineMs: 5_000, what: 'the stream' })
      change(test)
      await until(() => test.hub.subscribers === 0, { deadlineMs: 5_000, what: 'the cut' })
      await response.text()
    })
  }
})

describe('API tokens', () => {
  it('are made once, listed without secret, and hold until they are revoked', async () => {
    await using test = await startTenants()
    const made = await ask(test, 'admin', 'tokens', { name: 'ci', groups: ['sellers'], ttl: '2h' })
    assert.equal(made.status, 201)
    const token = String(made.body['token'])
    assert.match(token, /^gsw_[0-9a-z]{12}_[\w-]{43}$/)
    const { body } = await ask(test, 'admin', 'tokens')
    assert(!JSON.stringify(body).includes(token.slice(-20)))
    assert.deepEqual(body['items'], [{ ...made.body, token: undefined }].map(dropUndefined))
    assert.equal((await ask(test, token, 'whoami')).body['actor'], 'token:ci')
    assert.equal((await ask(test, token, 'rollouts/r-1/pause', {})).status, 200)
    assert.equal(test.hub.actions[0]?.by.actor, 'token:ci')
    const url = `/api/v1/tokens/${String(made.body['id'])}`
    for (const status of [204, 404]) {
      const gone = await test.api.inject({ method: 'DELETE', url, headers: bearer('admin') })
      assert.equal(gone.statusCode, status)
    }
    assert.equal((await ask(test, token, 'whoami')).status, 401)
  })

  it('have an end, and something they may do', async () => {
    await using test = await startTenants()
    for (const body of [
      { name: 'ci' },
      { name: 'ci', groups: [] },
      { name: 'ci', role: 'viewer', ttl: '1s' },
      { name: 'ci', role: 'viewer', ttl: '9000h' },
      { name: 'ci', role: 'viewer', ttl: '99999999999999999999h' },
      { name: 'CI', role: 'viewer' },
      { name: 'ci', role: 'root' },
    ])
      assert.equal((await ask(test, 'admin', 'tokens', body)).status, 400, JSON.stringify(body))
  })
})

function dropUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined))
}
