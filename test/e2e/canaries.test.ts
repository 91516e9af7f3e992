import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { stringify } from 'yaml'
import { newestRollout, waitForRollout } from '../support/api-client.ts'
import { type AgentProcess, startAgent } from '../support/agent-process.ts'
import { startBrowser } from '../support/browser.ts'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { applicationFiles, clusterFiles, strategyFile } from '../support/fleet-files.ts'
import type { HubProcess } from '../support/hub-process.ts'
import { createSurroundings, untilReady } from '../support/hub-surroundings.ts'
import { kubeCall, kubeRequest } from '../support/kube-request.ts'
import { readApi } from '../support/read-api.ts'
import { type TestRedis, startRedis } from '../support/redis.ts'
import { type SealedSecrets, startSealedSecrets } from '../support/sealed-secrets.ts'
import { readFiles, readRedis } from '../support/sinks.ts'
import { sealSecret } from '../support/sops-file.ts'
import { until } from '../support/until.ts'
import { requestToken, type TestVault, startVault } from '../support/vault-server.ts'

/* Secrets are planted wherever a cluster has them, and looked for wherever anything is told. */

const secrets = '/api/v1/namespaces/web/secrets'
const soon = { deadlineMs: 30_000, intervalMs: 100 }
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('canaries', () => {
  let surroundings: Awaited<ReturnType<typeof createSurroundings>>
  let redis: TestRedis
  let hub: HubProcess
  let plane: ControlPlane
  let agent: AgentProcess
  let vault: TestVault
  let controller: SealedSecrets
  const planted = new Map<string, string>()

  /** A word that is nowhere else. */
  function plant(where: string): string {
    const word = `canary${planted.size}x${randomBytes(12).toString('hex')}`
    planted.set(where, word)
    return word
  }
  /** As SOPS leaves it in Git: the hub adds what the agent needs beside. */
  async function sealed(name: string, values: Record<string, string>, recipient: string) {
    const metadata = { name, namespace: 'web' }
    const body = await sealSecret({ metadata, stringData: values }, { recipients: [recipient] })
    const { witness: _, ...sops } = body.sops
    const version = '3.13.3'
    return stringify({ ...body, sops: { ...sops, version } }, { lineWidth: 0 })
  }
  const live = async (name: string) => {
    const { body } = await kubeRequest(plane, 'GET', `${secrets}/${name}`)
    return (body as { data?: Record<string, string> }).data
  }
  const failing = (code: RegExp) =>
    until(
      async () => {
        const paths = ['clusters/a', 'fleet', 'clusters/a/applications/web/objects']
        const text = JSON.stringify(await Promise.all(paths.map((path) => hub.api.get(path))))
        if (code.test(text)) return true
        throw new Error(text)
      },
      { ...soon, what: `the hub to hear of ${String(code)}` },
    )

  /** One with a value that is referred to, and one that nobody refers to. */
  async function openVault(): Promise<TestVault> {
    const home = '/api/v1/namespaces'
    const metadata = { name: 'groundswell-system' }
    // The agent makes it too, for its inventories.
    await kubeRequest(plane, 'POST', home, { metadata })
    const account = `${home}/groundswell-system/serviceaccounts`
    await kubeCall(plane, 'POST', account, { metadata: { name: 'groundswell-agent' } })
    const opened = await startVault(plane)
    await opened.allow('agent')
    await opened.put('shop/till', {
      pin: plant('a value in Vault'),
      url: plant('another in Vault'),
      more: plant('a value in Vault that nothing refers to'),
    })
    const token = await requestToken(plane, 'groundswell-system', 'groundswell-agent')
    planted.set('the token of its ServiceAccount', token)
    return opened
  }

  /** What the pages of the dashboard show, in the real Chromium. */
  async function readPages(): Promise<Map<string, string>> {
    await using browser = await startBrowser()
    const found = new Map<string, string>()
    const { id = '' } = (await newestRollout(hub.api, 'web')) ?? {}
    const { page } = await browser.visit(`${hub.url}/ui/`, await hub.token())
    for (const path of [
      ...['', 'clusters', 'clusters/a?application=web', 'applications', 'applications/web'],
      ...['rollouts', `rollouts/${id}`, 'events'],
    ]) {
      await page.goto(`${hub.url}/ui/${path}`)
      await page.getByText('Loading…').first().waitFor({ state: 'detached' })
      await page.getByText('live', { exact: true }).waitFor()
      found.set(`/ui/${path}`, await page.content())
    }
    return found
  }

  before(async () => {
    surroundings = await createSurroundings()
    redis = await startRedis()
    await surroundings.repository.commit({
      ...clusterFiles,
      ...strategyFile('0s'),
      ...applicationFiles('web', 'one'),
    })
    hub = await surroundings.start({ redisUrl: redis.url, args: ['--enrol-rate', '100'] })
    await untilReady(hub)
    plane = await startControlPlane({ name: 'canaries' })
    const { directory } = surroundings
    const key = await generateX25519Identity()
    planted.set('the age key', key)
    planted.set('the token of the API server', (await readToken(plane.kubeconfig)) ?? '')
    await mkdir(join(directory, 'age'))
    await writeFile(join(directory, 'age', 'one.agekey'), key)
    vault = await openVault()
    controller = await startSealedSecrets(plane)
    const tokenFile = join(directory, 'age', 'token')
    await writeFile(tokenFile, planted.get('the token of its ServiceAccount')!)
    process.env['UNRELATED_SECRET'] = plant('the environment')
    const options = { directory, cluster: 'a', kubeconfig: plane.kubeconfig }
    agent = await startAgent(hub, {
      ...options,
      args: [
        ...['--sops-keys', join(directory, 'age'), '--vault', vault.address],
        ...['--vault-role', 'agent', '--vault-ca', vault.caFile, '--vault-interval', '1s'],
        ...['--vault-token-file', tokenFile, '--log-level', 'debug'],
      ],
    })
    delete process.env['UNRELATED_SECRET']
    await waitForRollout(hub.api, 'web', 'Succeeded')
    const identity = await readFile(join(agent.data, 'identity.json'), 'utf8')
    const { boundKey, endpoint } = JSON.parse(identity) as Record<'boundKey', string> & {
      endpoint: { key: string }
    }
    planted.set('the key that signs receipts', boundKey.split('\n')[1]!)
    planted.set('the key of the certificate', endpoint.key.split('\n')[1]!)

    const recipient = await identityToRecipient(key)
    await kubeCall(plane, 'POST', secrets, {
      metadata: { name: 'frozen' },
      immutable: true,
      data: { value: base64(plant('a live Secret that cannot be changed')) },
    })
    await kubeCall(plane, 'POST', secrets, {
      metadata: { name: 'foreign', annotations: { note: plant('an annotation of it') } },
      data: { value: base64(plant('a live Secret that is not ours')) },
    })
    await kubeCall(plane, 'POST', '/api/v1/namespaces/web/configmaps', {
      metadata: { name: 'foreign' },
      data: { value: plant('a live ConfigMap that is not ours') },
    })
    await surroundings.repository.commit({
      'apps/web/db.yaml': await sealed(
        'db',
        {
          user: plant('an encrypted value'),
          password: plant('another'),
          long: `${plant('one of many lines')}\n${plant('and the line after')}\n`,
        },
        recipient,
      ),
      'apps/web/till.yaml': stringify({
        ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'till', namespace: 'web' } },
        stringData: { pin: 'vault:secret/data/shop/till#pin' },
        data: { url: base64('vault:secret/data/shop/till#url') },
      }),
      'apps/web/sealed.yaml': stringify(
        await controller.seal({
          ...{ name: 'sealed', namespace: 'web' },
          data: { value: base64(plant('a value that was sealed')) },
        }),
      ),
    })
    await until(
      async () => {
        const all = await Promise.all(['db', 'till', 'sealed'].map(live))
        if (all.flatMap((one) => Object.keys(one ?? {})).length === 6) return true
        throw new Error(
          JSON.stringify([await hub.api.get('fleet'), await hub.api.get('clusters/a')]),
        )
      },
      { ...soon, what: 'the Secrets to be made' },
    )
    await waitForRollout(hub.api, 'web', 'Succeeded')
  })

  after(async () => {
    await agent?.stop()
    await vault?.[Symbol.asyncDispose]()
    await controller?.[Symbol.asyncDispose]()
    await plane?.stop()
    await redis?.stop()
    await surroundings?.[Symbol.asyncDispose]()
  })

  test('T29, I10: of 30 secrets none is in a report, a log, Redis, the ledger or a page', async () => {
    // Drift of what is there, what is added, and what kubectl writes beside it.
    await kubeCall(plane, 'PATCH', `${secrets}/db`, {
      metadata: {
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': plant('last-applied'),
        },
      },
      data: {
        password: base64(plant('a value somebody changed')),
        added: base64(plant('a value somebody added')),
      },
    })
    const password = planted.get('another')!
    await until(async () => (await live('db'))?.['password'] === base64(password), {
      ...soon,
      what: 'the Secret to be healed',
    })
    // A value that changes where it is kept, and then can no longer be had.
    await vault.put('shop/till', { pin: plant('a new value in Vault'), url: plant('yet another') })
    const pin = planted.get('a new value in Vault')!
    await until(async () => (await live('till'))?.['pin'] === base64(pin), {
      ...soon,
      what: 'the new value',
    })
    await vault.put('shop/till', { pin: plant('a value beside one that is missing') })
    await failing(/has no key/)
    // Refusals: by the API server, which quotes values, and by the agent.
    const key = planted.get('the age key')!
    const recipient = await identityToRecipient(key)
    const stranger = await identityToRecipient(await generateX25519Identity())
    await surroundings.repository.commit({
      'apps/web/frozen.yaml': await sealed(
        'frozen',
        { value: plant('a value for what cannot be changed') },
        recipient,
      ),
      'apps/web/lost.yaml': await sealed(
        'lost',
        { value: plant('a value nobody can open') },
        stranger,
      ),
      'apps/web/odd.yaml': await sealed(
        'odd',
        { 'no such key': plant('a value whose name is refused') },
        recipient,
      ),
      'apps/web/sealed.yaml': stringify({
        ...(await controller.seal({
          ...{ name: 'sealed', namespace: 'elsewhere' },
          data: { value: base64(plant('a value sealed for elsewhere')) },
        })),
        metadata: { name: 'sealed', namespace: 'web' },
      }),
    })
    await failing(/"phase":"Failed"/)
    await failing(/no key could decrypt/)
    // Questions: about what is there and not ours, and with values of one's own.
    const ask = (name: string, kind: string, value: object) => {
      const object = { apiVersion: 'v1', kind, metadata: { name, namespace: 'web' }, ...value }
      const one = { id: `/${kind}/web/${name}`, apiVersion: 'v1', json: JSON.stringify(object) }
      return hub.api.post<object>('clusters/a/dry-runs', { application: 'web', objects: [one] })
    }
    const answers = [
      await ask('foreign', 'Secret', { stringData: { value: plant('a proposed value') } }),
      await ask('foreign', 'ConfigMap', { data: { value: 'else' } }),
      await ask('till', 'Secret', { stringData: { pin: 'vault:secret/data/shop/till#pin' } }),
      await ask('db', 'Secret', { stringData: { user: plant('a value proposed for ours') } }),
      await ask('odd', 'Secret', { immutable: plant('what the API server quotes as it refuses') }),
    ]
    assert.match(JSON.stringify(answers), /Changed/)

    const told = new Map<string, string>([['dry runs', JSON.stringify(answers)]])
    const names = { clusters: 'a', applications: 'web', groups: 'all', sources: 'fleet' }
    for (const [path, text] of await readApi(hub, names)) told.set(`GET ${path}`, text)
    const pages = await readPages()
    assert.match(pages.get('/ui/clusters/a?application=web') ?? '', /no key could decrypt/)
    for (const [path, text] of pages) told.set(path, text)
    told.set('GET events?limit=500', JSON.stringify(await hub.api.get('events?limit=500')))
    told.set('status --json', await agent.ask('status', '--json'))
    told.set('status', await agent.ask('status'))
    for (const [name, text] of await readRedis(redis.url)) told.set(`redis ${name}`, text)
    const { directory } = surroundings
    const isKey = (path: string) => /identity\.json|\.agekey$|\/age\/|\.kube|kubeconfig/.test(path)
    for (const [path, text] of await readFiles(directory, (path) => !isKey(path))) {
      told.set(path, text)
    }
    const maps = await kubeCall(plane, 'GET', '/api/v1/namespaces/groundswell-system/configmaps')
    told.set('inventories', JSON.stringify(maps))

    assert.ok(planted.size >= 30, `${planted.size} planted`)
    assert.ok([...planted.values()].every((word) => word.length > 20))
    const leaks = [...planted].flatMap(([where, word]) =>
      [word, base64(word)].flatMap((text) =>
        [...told].filter(([, said]) => said.includes(text)).map(([place]) => `${where}: ${place}`),
      ),
    )
    assert.deepEqual(leaks, [])
    assert.ok([...told.keys()].some((name) => name.startsWith('redis ')))
    const places = [...told.keys()]
    for (const place of [
      /hub\.log$/,
      /agent-a\.log$/,
      /ledger\.jsonl$/,
      /receipts/,
      /metrics/,
      /matrix/,
      /ui.events$/,
    ]) {
      assert.ok(
        places.some((name) => place.test(name)),
        `${String(place)} is not among ${places.join()}`,
      )
    }
  })
})

async function readToken(kubeconfig: string): Promise<string | undefined> {
  return /token"?: *"?([^"\s]+)"?/.exec(await readFile(kubeconfig, 'utf8'))?.[1]
}
