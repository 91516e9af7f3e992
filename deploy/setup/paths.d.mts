/** The programs of a Kubernetes control plane, by absolute path. */
export interface ControlPlanePaths {
  readonly etcd: string
  readonly 'kube-apiserver': string
  readonly 'kube-controller-manager': string
  readonly 'kube-scheduler': string
  readonly kwok: string
}

/** The repository's top directory. */
export const root: string
/** Where what set-up builds is kept. */
export function cacheDir(): string
/** Where the render engine is, once set-up has built it. */
export function enginePath(): string
/** Where the control plane's programs are, once set-up has built them. */
export function controlPlanePaths(): ControlPlanePaths
export function isExecutable(path: string): boolean
