// What we use of the package, which comes without types.
declare module 'semver' {
  export function validRange(range: string): string | null
  export function maxSatisfying(versions: readonly string[], range: string): string | null
  export function compareBuild(a: string, b: string): -1 | 0 | 1
}
