import { suggest } from '../load/suggest.ts'
import { findSelectorFaults } from '../resolve/selector.ts'
import type { Fleet } from '../fleet.ts'
import type { LabelSelector } from './fields.ts'

/* Checks of names, selectors and paths that several kinds share. */

export type Path = readonly (string | number)[]

/** Tells of a fault at a path within the document. */
export type Report = (path: Path, message: string) => void

/** The maps names are looked up in; a Fleet while it is being made. */
export type Names = Omit<Fleet, 'revision' | 'warnings'>

export function checkPickers(
  selector: LabelSelector | undefined,
  field: string,
  picked: { clusterGroup?: string; clusters?: string[] },
  path: Path,
  names: Names,
  report: Report,
): void {
  checkSelector(selector, [...path, field], report)
  if (picked.clusterGroup !== undefined) {
    checkName(picked.clusterGroup, names.groups, 'ClusterGroup', [...path, 'clusterGroup'], report)
  }
  checkNames(picked.clusters, names.clusters, 'cluster', [...path, 'clusters'], report)
}

export function checkSelector(
  selector: LabelSelector | undefined,
  path: Path,
  report: Report,
): void {
  for (const fault of selector ? findSelectorFaults(selector) : []) {
    report([...path, ...fault.path], fault.message)
  }
}

export function checkNames(
  list: readonly string[] | undefined,
  known: ReadonlyMap<string, unknown>,
  what: string,
  path: Path,
  report: Report,
): void {
  list?.forEach((name, index) => {
    checkName(name, known, what, [...path, index], report)
    if (list.indexOf(name) < index) report([...path, index], `${what} "${name}" is listed twice`)
  })
}

export function checkName(
  name: string,
  known: ReadonlyMap<string, unknown>,
  what: string,
  path: Path,
  report: Report,
): void {
  if (!known.has(name)) report(path, `there is no ${what} "${name}"${suggest(name, known.keys())}`)
}

export function checkInside(path: string, at: Path, report: Report): void {
  if (path.startsWith('/') || /[\p{Cc}\\]/u.test(path) || path.split('/').includes('..')) {
    report(at, `path ${JSON.stringify(path)} must be relative and stay in the repository`)
  } else if (/^~|\$/.test(path)) {
    // Whoever writes it expects it to be filled in; there would be no such directory.
    report(
      at,
      `path ${JSON.stringify(path)} is taken as it is written: nothing is filled in for ~ and $`,
    )
  }
}

/** Relative to the source's path, or with a leading slash to the repository; never out of it. */
export function checkValuesFile(base: string, file: string, at: Path, report: Report): void {
  const parts = file.startsWith('/')
    ? file.slice(1).split('/')
    : [...base.split('/'), ...file.split('/')]
  let depth = 0
  for (const part of parts) {
    depth += part === '..' ? -1 : part === '.' || part === '' ? 0 : 1
    if (depth < 0) break
  }
  if (file === '' || depth < 0 || /[\p{Cc}\\]/u.test(file)) {
    report(at, `values file ${JSON.stringify(file)} is not inside the repository`)
  }
}
