/**
 * What is used of undici, for whoever loads it late: an import of a package of CommonJS from within a
 * bundle gives its `default` alone.
 */
export { Agent, fetch, request } from 'undici'
