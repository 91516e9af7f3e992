import type { FastifyInstance } from 'fastify'

/** Tells what could be asked of a path instead; empty for one that is none of ours. */
export type MethodsOf = (url: string) => readonly string[]

/**
 * Notes each route that is added from here on, so that a path which is there is told from one that is
 * not. It decides on words alone: who may do what hangs on the matched route.
 */
export function noteMethods(app: FastifyInstance): MethodsOf {
  const paths = new Map<string, { readonly shape: RegExp; readonly methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = paths.get(url) ?? { shape: shapeOf(url), methods: new Set() }
    for (const one of [method].flat()) known.methods.add(one)
    paths.set(url, known)
  })
  return (url) => {
    const [path = ''] = url.split('?', 1)
    const found = [...paths.values()].filter(({ shape }) => shape.test(path))
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort()
  }
}

/** `/clusters/:name` → what its paths look like; two colons stand for one. */
function shapeOf(pattern: string): RegExp {
  const parts = pattern.split(/(::|:\w+|\*)/).map((part) => {
    if (part === '::') return ':'
    if (part === '*') return '.*'
    return part.startsWith(':') ? '[^/]+' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}
