import { type HubPlay, playHubs } from '../unit/hub/rollout/play-hubs.ts'

/* A program that plays hubs: beside a test runner, which follows every promise, it takes four times as long. */

// What a person asks for that does not fit is refused a million times, and nobody reads where from.
Error.stackTraceLimit = 0
const played = await playHubs(JSON.parse(process.argv[2]!) as HubPlay)
process.stdout.write(JSON.stringify(played))
