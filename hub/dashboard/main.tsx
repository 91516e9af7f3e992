import { render } from 'preact'
import { App } from './app.tsx'
import { watchHistory } from './route.ts'

watchHistory()
render(<App />, document.getElementById('app')!)
