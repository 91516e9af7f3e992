/**
 * Why an address may not be written in Git as the place the hub calls, or undefined. What names
 * this machine or a cloud's metadata service is refused however it is spelt: the URL parser has
 * brought `127.1` and `0x7f000001` to one form (bad inputs B25, B31).
 *
 * @param schemes such as `https`
 */
export function whyBadAddress(text: string, schemes: readonly string[]): string | undefined {
  const example = `${schemes[0]}://host/path`
  if (text.length > 2048 || /[\p{Cc}\s]/u.test(text)) return 'has white space or is too long'
  const url = URL.parse(text)
  if (!url || !schemes.includes(url.protocol.slice(0, -1))) {
    return `${JSON.stringify(text)} is not an address such as ${example}`
  }
  if (url.username || url.password) {
    return 'holds a user name or password; name a `credential` instead'
  }
  // For schemes it does not know, the parser leaves the host as it was written.
  const host = URL.parse(`http://${url.host}`)?.hostname.replace(/\.$/, '') ?? ''
  if (host === '') return `${JSON.stringify(text)} names no host; write ${example}`
  if (/^(localhost|.*\.localhost|127\..*|0\.0\.0\.0|\[::1?\]|\[::ffff:7f.*)$/.test(host)) {
    return `${host} is the hub's own machine; give the address others know it by`
  }
  if (/^(169\.254\..*|\[fe[89ab].*|\[::ffff:a9fe:.*|metadata\.google\.internal)$/.test(host)) {
    return `${host} is a link-local address, where clouds keep credentials`
  }
  return undefined
}
