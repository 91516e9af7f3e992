/** A host by name, `*.domain` for all below a domain, or an address. */
export function isHostPattern(pattern: string): boolean {
  return (
    /^(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(pattern) ||
    /^[0-9a-f:.]*:[0-9a-f:.]*$/.test(pattern)
  )
}

/** Whether a host, in lower case, is one of the patterns. `*.example.com` is not example.com. */
export function matchesHost(host: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern,
  )
}

/** Which hosts repositories may be fetched from. */
export interface HostRules {
  /** Empty for every host whose addresses are all public. */
  readonly allowed: readonly string[]
  /** Of the fleet repository's URL, which the hub was started with; may be anywhere. */
  readonly fleet: string
}

/**
 * What is to be made of a host: `trusted` may have any address, `public` has to have none of a
 * private network, `refused` is not asked at all (bad input B25–B27).
 */
export function judgeHost(host: string, rules: HostRules): 'trusted' | 'public' | 'refused' {
  if (host === rules.fleet || matchesHost(host, rules.allowed)) return 'trusted'
  return rules.allowed.length === 0 ? 'public' : 'refused'
}

/** A URL's host as rules and credentials name it: lower case, an address without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
}
