import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Digest } from '@groundswell/proto/digest.ts'
import { HubError } from '../../../../hub/errors.ts'
import { type FleetFacts, toServedApis } from '../../../../hub/fleet/resolve/cluster-facts.ts'
import { loadFleet } from '../../../../hub/fleet/load/load.ts'
import { type AskedFacts } from '../../../../hub/render/asked-facts.ts'
import {
  formatBundleLine,
  type MadeBundle,
  parseBundleLines,
} from '../../../../hub/render/bundle-memory.ts'
import { revision, worldOf, clusters } from './contents-world.ts'

describe('what clusters are', () => {
  const chart = (more = '') =>
    `apiVersion: groundswell.dev/v1alpha1\nkind: Application\nmetadata: { name: shop }\nspec: { source: { path: apps/shop, helm: { values: { v: 'x${more}' } } }, targets: [{ clusterSelector: {} }] }\n`
  const fleetWith = (text: string) =>
    loadFleet(revision, [
      {
        path: 'fleet.yaml',
        bytes: Buffer.from(
          `${clusters.map((name) => `apiVersion: groundswell.dev/v1alpha1\nkind: Cluster\nmetadata: { name: ${name} }\nspec: {}\n`).join('---\n')}---\n${text}`,
        ),
      },
    ])
  const apis = (...names: string[]) => toServedApis(['v1', ...names])
  /** Each cluster serves something of its own beside; some serve monitors. */
  const factsOf = (version = 'v1.35.4'): FleetFacts =>
    new Map(
      clusters.map((name, at) => [
        name,
        {
          kubernetesVersion: version,
          apis: apis(`${name}.io/v1`, ...(at % 4 === 0 ? ['monitors.io/v1'] : [])),
        },
      ]),
    )
  const asking = (asked: Partial<AskedFacts>) => ({
    ...{ version: false, served: false, apis: [], ...asked },
  })

  test('a chart that asks nothing is rendered once, whatever they are and become', async () => {
    const { render, rendered, ...world } = worldOf(asking({}))
    const made = await render(fleetWith(chart()), factsOf())
    assert.equal(rendered.length, 1)
    await render(fleetWith(chart()), factsOf('v1.36.0'))
    assert.equal(rendered.length, 1)
    assert.equal(made.applications.get('shop')?.size, clusters.length)
    assert.deepEqual(world.faults(made), [])
  })

  test('one that asks for an API is rendered once for those who serve it, once for those who do not', async () => {
    const { render, rendered } = worldOf(asking({ apis: ['monitors.io/v1'] }))
    const made = await render(fleetWith(chart()), factsOf())
    assert.equal(rendered.length, 2)
    const digests = [...made.applications.get('shop')!.values()].map(({ digest }) => digest)
    assert.equal(new Set(digests).size, 2)
    await render(fleetWith(chart()), factsOf('v1.36.0'))
    assert.equal(rendered.length, 2, 'another version was never asked for')
    const fewer = new Map([...factsOf()].map(([name, one]) => [name, { ...one, apis: apis() }]))
    await render(fleetWith(chart()), fewer)
    assert.equal(rendered.length, 2, 'those who lost it are what the others were')
  })

  test('one that asks for the version is rendered once for each, and one that asks for all, for each list', async () => {
    const version = worldOf(asking({ version: true }))
    await version.render(fleetWith(chart()), factsOf())
    await version.render(fleetWith(chart()), factsOf('v1.36.0'))
    await version.render(fleetWith(chart()), factsOf())
    assert.equal(version.rendered.length, 2)
    const all = worldOf(asking({ served: true }))
    await all.render(fleetWith(chart()), factsOf())
    assert.equal(all.rendered.length, clusters.length)
  })

  test('what was asked is remembered over a restart', async () => {
    const kept = new Map<Digest, MadeBundle>()
    const memory = {
      load: async () => parseBundleLines([...kept].map((one) => formatBundleLine(...one)).join('')),
      keep: async (key: Digest, made: MadeBundle) => void kept.set(key, made),
    }
    const first = worldOf(asking({ apis: ['monitors.io/v1'] }), memory)
    const before = await first.render(fleetWith(chart()), factsOf())
    const second = worldOf(asking({ apis: ['monitors.io/v1'] }), memory)
    for (const [digest, bytes] of first.content.blobs) {
      await second.content.put([{ digest, bytes }])
    }
    const after = await second.render(fleetWith(chart()), factsOf('v1.35.9'))
    assert.deepEqual(second.rendered, [])
    assert.deepEqual(after.applications, before.applications)
  })

  test('a cluster nobody knows enough of is left as it is, and the others are not', async () => {
    const { render } = worldOf(asking({}))
    const some = new Map([...factsOf()].slice(1))
    const made = await render(fleetWith(chart('-${cluster.kubernetesVersion}')), some)
    assert.deepEqual(made.faults, [])
    assert.deepEqual([...made.skipped.get('shop')!], ['c00'])
    assert.equal(made.applications.get('shop')?.size, clusters.length - 1)
    assert.match(
      made.warnings.map(({ message }) => message).join('\n'),
      /c00 declares no `kubernetesVersion`.*left as it is/,
    )
  })

  test('what only a reported fact breaks is kept from that cluster alone', async () => {
    const world = worldOf(asking({ version: true }))
    world.fail = ({ helm }) =>
      helm.kubeVersion === 'v1.99.0' ? new HubError('render_failed', 'too new') : undefined
    const facts = new Map([...factsOf(), ['c07', { kubernetesVersion: 'v1.99.0', apis: apis() }]])
    const made = await world.render(fleetWith(chart()), facts)
    assert.deepEqual([...made.skipped.get('shop')!], ['c07'])
    assert.equal(made.applications.get('shop')?.size, clusters.length - 1)
    assert.deepEqual(
      made.faults.map(({ cluster, message }) => [cluster, message]),
      [['c07', 'too new']],
    )
    // What breaks without any fact breaks the application.
    world.fail = () => new HubError('render_failed', 'broken')
    const broken = await world.render(fleetWith(chart('y')), facts)
    assert.equal(broken.applications.has('shop'), false)
  })
})
