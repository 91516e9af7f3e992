import { renderText, startRenderEngine } from '../support/render-engine.ts'
import { quantile } from './result.ts'

const times = 20

const config = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {text: one}
`
const kustomization = {
  'kustomization.yaml': 'namespace: web\nresources: [settings.yaml]\n',
  'settings.yaml': config,
}
const chart = {
  'Chart.yaml': 'apiVersion: v2\nname: small\nversion: 1.0.0\n',
  'values.yaml': 'text: one\n',
  'templates/settings.yaml': config.replace('text: one', 'text: {{ .Values.text }}'),
}

/** Milliseconds of one small render by a warm worker, median. */
export async function measureOneShots(): Promise<{ kustomize_ms: number; helm_ms: number }> {
  await using engine = await startRenderEngine()
  const measure = async (kind: 'kustomize' | 'helm', files: Record<string, string>) => {
    await renderText(engine, files, { kind })
    const found: number[] = []
    for (let count = 0; count < times; count++) {
      const start = performance.now()
      await renderText(engine, files, { kind })
      found.push(performance.now() - start)
    }
    return (
      Math.round(
        quantile(
          found.sort((a, b) => a - b),
          0.5,
        ) * 100,
      ) / 100
    )
  }
  return {
    kustomize_ms: await measure('kustomize', kustomization),
    helm_ms: await measure('helm', chart),
  }
}
