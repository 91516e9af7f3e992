import {
  applicationFiles,
  configMap,
  type FleetFiles,
  strategyFile,
} from '../support/fleet-files.ts'

const objectsInApplication = 100
/** About as large as the objects of a usual application. */
const filler = 'what a configuration says of itself, at some length, and once more. '.repeat(10)

const nameOf = (application: number): string => `app-${application}`

/** Applications of ConfigMaps, so many objects in all; each also has its namespace. */
export function agentFleetFiles(objects: number): FleetFiles {
  const files: Record<string, string> = { ...strategyFile('0s') }
  for (let one = 0; one * objectsInApplication < objects; one += 1) {
    const name = nameOf(one)
    Object.assign(files, applicationFiles(name, filler))
    const count = Math.min(objectsInApplication, objects - one * objectsInApplication)
    // One is in the application's own file, one is its namespace.
    for (let n = 2; n < count; n += 1) {
      files[`apps/${name}/settings-${n}.yaml`] = configMap(`settings-${n}`, `${n} ${filler}`)
    }
  }
  return files
}

export function countApplications(objects: number): number {
  return Math.ceil(objects / objectsInApplication)
}
