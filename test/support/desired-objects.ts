import { formatObjectId, groupOf, type ObjectId } from '@groundswell/proto/object-id.ts'
import { confirmationOfIds } from '@groundswell/proto/prune.ts'
import type { LiveObject } from '../../agent/cluster/port.ts'
import { type Bundle, buildBundle } from '../../hub/bundle/build.ts'
import type { Desired, LiveConfig, Wish } from './oracle.ts'

/* What is wanted is said by short names. The first letter of one tells its kind. */

export const widgetGroup = 'widgets.example.org'

interface Kind {
  readonly apiVersion: string
  readonly kind: string
  /** Of which there is one in the cluster, not one a namespace. */
  readonly wide?: true
}

const kinds: Readonly<Record<string, Kind>> = {
  c: { apiVersion: 'v1', kind: 'ConfigMap' },
  w: { apiVersion: `${widgetGroup}/v1`, kind: 'Widget' },
  p: { apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
  n: { apiVersion: 'v1', kind: 'Namespace', wide: true },
  k: { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', wide: true },
}

const note = 'example.org/text'

function kindOf(name: string): Kind {
  const kind = kinds[name.charAt(0)]
  if (!kind) throw new Error(`no kind of object is called ${name}`)
  return kind
}

/** Where the object of a name is. The definition is called as its kind demands. */
export function idOfName(name: string, namespace: string): ObjectId {
  const { apiVersion, kind, wide } = kindOf(name)
  const called = name.startsWith('k') ? `widgets.${widgetGroup}` : name
  return { group: groupOf(apiVersion), kind, namespace: wide ? '' : namespace, name: called }
}

/** The name of what an id says; undefined when nothing of that kind is ever wanted. */
export function nameOfId(id: string, namespace: string): string | undefined {
  const [, , , called = ''] = id.split('/')
  const name = called === `widgets.${widgetGroup}` ? 'k0' : called
  if (!(name.charAt(0) in kinds)) return undefined
  return formatObjectId(idOfName(name, namespace)) === id ? name : undefined
}

/** Whether an id is of another play on the same cluster. */
export function isOfAnother(id: string, namespace: string): boolean {
  const [, kind, home, name] = id.split('/')
  if (kind === 'Namespace') return name !== namespace && /^crash-\d+$/.test(name!)
  return home !== '' && home !== namespace
}

/** Whether more goes with an object than itself: its deletion has to be confirmed. */
export const isPreciousName = (name: string): boolean => /^[knp]/.test(name)

/** What the other one of two applications would have it say. */
export const alsoText = ({ text }: Wish): string => `${text} by the other`

function writeObject(name: string, namespace: string, { text, version }: Wish): LiveObject {
  const { apiVersion, kind } = kindOf(name)
  const { namespace: home, name: called } = idOfName(name, namespace)
  const annotations = { [note]: text }
  return {
    apiVersion: kind === 'Widget' && version ? `${widgetGroup}/${version}` : apiVersion,
    kind,
    metadata: { name: called, ...(home && { namespace: home }), annotations },
    ...(kind === 'CustomResourceDefinition' && {
      spec: {
        group: widgetGroup,
        scope: 'Namespaced',
        names: { kind: 'Widget', plural: 'widgets' },
      },
    }),
    ...(kind === 'ConfigMap' && { data: { text } }),
  }
}

/** What the agent finds of one of them in a cluster. */
export function toLiveConfig(name: string, live: LiveObject): LiveConfig {
  const { uid, labels, annotations } = live.metadata
  const data = live['data'] as { text: string } | undefined
  return {
    name,
    uid: uid!,
    application: labels?.['groundswell.dev/application'] ?? '',
    text: data?.text ?? annotations?.[note] ?? '',
  }
}

/**
 * The bundle of one application. The one that is called `base-…` also has the namespace.
 *
 * @param confirmed whether deletions that a person has to confirm are
 */
export function bundleDesired(
  application: string,
  desired: Desired,
  namespace: string,
  confirmed = false,
): Bundle {
  const objects = [...desired]
    .filter(([, wish]) => wish.application === application || wish.also === application)
    .map(([name, wish]) => {
      const text = wish.application === application ? wish.text : alsoText(wish)
      const object = writeObject(name, namespace, { ...wish, text })
      const { apiVersion } = object
      const id = idOfName(name, namespace)
      return { id, apiVersion, json: JSON.stringify(object), file: `${application}/${name}.yaml` }
    })
  const home = {
    id: { group: '', kind: 'Namespace', namespace: '', name: namespace },
    apiVersion: 'v1',
    json: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
    file: 'namespace.yaml',
  }
  const all = application.startsWith('base-') ? [home, ...objects] : objects
  return buildBundle(all, {
    ...{ application, targetNamespace: '', prune: true, allowEmpty: true, drift: 'correct' },
    deletionPolicy: 'Delete',
    ...(confirmed && {
      confirmPrune: [confirmationOfIds(all.map(({ id }) => formatObjectId(id)))],
    }),
  })
}
