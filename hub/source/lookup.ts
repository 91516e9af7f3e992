/** As `net.connect` calls it to look a name up. */
export type Lookup = (
  host: string,
  options: { readonly all?: boolean | undefined },
  done: (
    error: null,
    address: string | { address: string; family: number }[],
    family?: number,
  ) => void,
) => void

/** A name that was looked up and judged is not asked again: it may mean another place by then. */
export function answerWith(addresses: readonly string[]): Lookup {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  return (_host, options, done) => {
    if (options.all) done(null, found)
    else done(null, found[0]!.address, found[0]!.family)
  }
}
