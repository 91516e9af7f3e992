/** Asks the hub for the next page. */
export function More({ onMore }: { readonly onMore: () => void }) {
  return (
    <p>
      <button type="button" onClick={onMore}>
        More
      </button>
    </p>
  )
}
