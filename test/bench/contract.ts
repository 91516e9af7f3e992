import type { BenchName } from './options.ts'
import type { Figures } from './result.ts'

/** What others read of each benchmark by these names, whatever else it measures; `start` is only ours. */
export const contract: Readonly<Record<Exclude<BenchName, 'start'>, readonly string[]>> = {
  propagation: [
    ...['last_ms', 'p50_ms', 'p99_ms', 'renders', 'signatures'],
    ...['bytes_out', 'hub_cpu_us_per_agent'],
  ],
  idle: ['hub_rss_kb_per_agent', 'hub_base_rss_mb', 'hub_millicores'],
  reconnect: ['recovered_ms', 'bytes_per_agent', 'renders', 'applies', 'signatures'],
  wire: ['one_object_bytes', 'first_delivery_ratio'],
  render: [
    ...['kustomize_per_s', 'helm_per_s', 'fork_kustomize_per_s', 'fork_helm_per_s'],
    ...['large_ms', 'fork_large_ms', 'cache_decisions_per_s', 'duplicate_renders'],
    'renderer_rss_mb',
  ],
  monorepo: [
    ...['renders', 'push_to_verified_ms', 'hub_cpu_ms'],
    ...['untouched_renders', 'untouched_messages'],
  ],
  check: ['cold_ms', 'warm_ms'],
  apply: [
    ...['objects_per_s', 'kubectl_objects_per_s', 'noop_writes', 'noop_gets'],
    ...['one_changed_calls', 'one_changed_ms'],
  ],
  drift: [
    ...['detect_p50_ms', 'detect_p99_ms', 'repair_p99_ms', 'false_drifts'],
    ...['storm_messages_per_s', 'lost_final_states'],
  ],
  agent: [
    ...['bundle_kb', 'rss_idle_mb', 'rss_1000_mb', 'rss_5000_mb', 'start_ms'],
    'idle_millicores',
  ],
  rollout: [
    ...['overhead_ms', 'cpu_ms_per_cluster', 'redis_round_trips_per_cluster', 'jobs'],
    'wave_violations',
  ],
  status: ['reports_per_s', 'lost', 'rss_return_mb'],
  rest: ['summary_p99_ms', 'page_p99_ms', 'cluster_p99_ms'],
  ui: ['first_paint_ms', 'frames_per_s', 'update_ms', 'page_kb'],
}

/** Holds a benchmark's figures to the contract. @throws Error naming every figure that is not there */
export function checkContract(name: BenchName, metrics: Figures): void {
  if (name === 'start') return
  const missing = contract[name].filter((metric) => !(metric in metrics))
  if (missing.length > 0) throw new Error(`${name} did not measure ${missing.join(', ')}`)
}
