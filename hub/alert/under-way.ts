import type { Letter } from './payload.ts'

/** Letters that are under way, each provider's apart: one that takes none fills its own bound only. */
export interface UnderWay {
  /** @param index of its entry in the ledger; null of news, which is in no ledger */
  add(letter: Letter, index: number | null): void
  /** Takes a letter out; undefined where it was not in. */
  end(letter: Letter): { readonly index: number | null } | undefined
  /** Whether a provider has as many as it may have. */
  isFull(provider: string): boolean
  /** Whether a provider that was full has half of that at the most. */
  hasEased(provider: string): boolean
  /** The first entry of the ledger that a letter of a provider is of. */
  oldest(provider: string): number | undefined
  /** All, one of each provider in turn, so that none waits behind another's. */
  list(): Letter[]
  /** Forgets letters to all others. */
  keep(providers: ReadonlySet<string>): void
}

interface Open {
  readonly letter: Letter
  readonly index: number | null
}

/** @param most letters of one provider */
export function createUnderWay(most: number): UnderWay {
  const open = new Map<string, Map<string, Open>>()
  const count = (provider: string): number => open.get(provider)?.size ?? 0
  return {
    add(letter, index) {
      const its = open.get(letter.provider) ?? new Map<string, Open>()
      open.set(letter.provider, its.set(letter.id, { letter, index }))
    },
    end({ provider, id }) {
      const its = open.get(provider)
      const found = its?.get(id)
      its?.delete(id)
      if (its?.size === 0) open.delete(provider)
      return found && { index: found.index }
    },
    isFull: (provider) => count(provider) >= most,
    hasEased: (provider) => count(provider) <= most / 2,
    oldest(provider) {
      const indexes = [...(open.get(provider)?.values() ?? [])].flatMap(({ index }) => index ?? [])
      return indexes.length === 0 ? undefined : Math.min(...indexes)
    },
    list() {
      const rows = [...open.values()].map((its) => [...its.values()])
      const longest = Math.max(0, ...rows.map((row) => row.length))
      return Array.from({ length: longest }, (_, at) =>
        rows.flatMap((row) => row[at]?.letter ?? []),
      ).flat()
    },
    keep(providers) {
      for (const provider of open.keys()) if (!providers.has(provider)) open.delete(provider)
    },
  }
}
