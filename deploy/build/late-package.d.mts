import type { Plugin } from 'esbuild'

/** The plugin by which a package runs when the first object of its class is made. */
export function constructLate(name: string, exported: string): Plugin
