/**
 * The URL of a Redis with the password that came apart from it, where it has none of its own: what makes passwords
 * makes them of any characters, and those of a URL have to be escaped. Says in `faults` what is no URL of a Redis.
 */
export function readRedisUrl(
  text: string | undefined,
  password: string | undefined,
  faults: string[],
): string | undefined {
  if (text === undefined || text === '') return undefined
  // A socket of this machine.
  if (text.startsWith('/')) return text
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === '') {
    // It may hold a password, so it is not repeated.
    faults.push(
      '--redis: not a URL such as redis://:PASSWORD@HOST:6379 or rediss://…; characters of a password other than letters and digits are written as %XX there, or give it by REDIS_PASSWORD',
    )
    return text
  }
  if (password === undefined || password === '' || url.password !== '') return text
  url.password = encodeURIComponent(password)
  return url.href
}
