import { useState } from 'preact/hooks'

const stored = 'groundswell-theme'
type Theme = 'system' | 'light' | 'dark'
const next: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }

function apply(theme: Theme): Theme {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  return theme
}

/** Light, dark, or as the system is; remembered by this browser. */
export function Theme() {
  const [theme, setTheme] = useState<Theme>(() => {
    const kept = localStorage.getItem(stored)
    return apply(kept === 'light' || kept === 'dark' ? kept : 'system')
  })
  function change(): void {
    const chosen = apply(next[theme])
    localStorage.setItem(stored, chosen)
    setTheme(chosen)
  }
  return (
    <button type="button" onClick={change} aria-label={`Colours: ${theme}. Change`}>
      {{ system: '◑', light: '○', dark: '●' }[theme]}
    </button>
  )
}
