import { runProgram } from '../../hub/fork-server/process.ts'
import { RunFailure, type RunProgram } from '../../hub/fork-server/run.ts'

/** Git as it is, but that no answer comes of one subcommand while `isLost` says so: the process that ran it ended. */
export function createLosing(subcommand: string, isLost: () => boolean): RunProgram {
  return async (program, args, options) => {
    if (args.includes(subcommand) && isLost()) throw new RunFailure('lost', 'the process ended')
    return runProgram(program, args, options)
  }
}
