/** Runs a program in the foreground; passes a signal on once; gives its exit code. */
export function runInForeground(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number>
