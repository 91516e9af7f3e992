import { type Digest, isDigest } from '@groundswell/proto/digest.ts'
import { isRecord } from '@groundswell/proto/record.ts'

/** An image as a container names it. */
export interface Image {
  /** `docker.io` when none is written. */
  readonly registry: string
  readonly repository: string
  readonly digest: Digest | undefined
}

/** Where in an object an image is named: `spec.template.spec.containers[0].image`. */
export interface NamedImage {
  readonly place: string
  readonly text: string
}

const hostShape = /^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:\d{1,5})?$/
const partShape = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/

/**
 * Reads a reference the way container runtimes do: what is before the first slash is a registry when
 * it looks like a host. Undefined when it is none.
 */
export function parseImage(text: string): Image | undefined {
  const [name = '', digest, ...more] = text.split('@')
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) return undefined
  const untagged = name.replace(/:[\w][\w.-]{0,127}$/, '')
  const [first = '', ...rest] = untagged.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const path = isHost ? rest.join('/') : untagged
  const registry = isHost ? first : 'docker.io'
  if (!hostShape.test(registry) || !path.split('/').every((part) => partShape.test(part))) {
    return undefined
  }
  const isOfficial = registry === 'docker.io' && !path.includes('/')
  return { registry, repository: isOfficial ? `library/${path}` : path, digest }
}

const containers = ['containers', 'initContainers', 'ephemeralContainers']

/** Every container's image in an object, and those of volumes, also in kinds that nobody here knows. */
export function findImages(value: unknown, path = ''): NamedImage[] {
  if (Array.isArray(value)) {
    return value.flatMap((each: unknown, at) => findImages(each, `${path}[${at}]`))
  }
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const place = path === '' ? key : `${path}.${key}`
    const found: NamedImage[] = []
    if (containers.includes(key) && Array.isArray(member)) {
      member.forEach((each: unknown, at) => {
        const image = isRecord(each) ? each['image'] : undefined
        if (typeof image === 'string') found.push({ place: `${place}[${at}].image`, text: image })
      })
    }
    const reference = key === 'image' && isRecord(member) ? member['reference'] : undefined
    if (typeof reference === 'string') {
      found.push({ place: `${place}.reference`, text: reference })
    }
    return [...found, ...findImages(member, place)]
  })
}
