const kinds: Readonly<Record<string, string>> = { '+': 'added', '-': 'gone', '@': 'quiet' }
const mostLines = 400

/** Lines of a unified diff; the sign of each line says what the colour says. */
export function Patch({ text }: { readonly text: string }) {
  const lines = text.replace(/\n$/, '').split('\n')
  return (
    // It scrolls by itself, so it has to be reached by keyboard.
    <pre class="patch" tabIndex={0}>
      {lines.slice(0, mostLines).map((line, at) => (
        <span key={at} class={kinds[line[0] ?? ''] ?? ''}>
          {`${line}\n`}
        </span>
      ))}
      {lines.length > mostLines && `and ${lines.length - mostLines} lines more\n`}
    </pre>
  )
}
