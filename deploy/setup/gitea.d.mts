/**
 * Makes sure that the Gitea which tests speak to is built; says so, and leaves it, where there is
 * no C compiler.
 */
export function setUpGitea(): Promise<void>
