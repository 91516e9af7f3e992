import type { Duplex } from 'node:stream'
import type { ClientDuplexStream } from '@grpc/grpc-js'
import type { RelayedCaller } from './peer.ts'

/** A stream of an agent on its way to the leader: messages as they came, not looked into. */
export type RelayedStream = ClientDuplexStream<Buffer, Buffer>

export type EnrolMethod = 'begin' | 'enrol' | 'claim'

/** The way to the replica that leads: one connection, by which both sides know each other. */
export interface LeaderLink {
  /** Whether it is connected now. */
  readonly up: boolean
  /** Resolves once it is connected. @throws HubError `no_leader` after so long, or once it is closed */
  ready(ms: number): Promise<void>
  sync(caller: RelayedCaller): RelayedStream
  /** @throws the leader's own refusal, with the status that the agent is to get */
  enrol(method: EnrolMethod, request: Buffer, address: string): Promise<Buffer>
  /** A connection to the leader's API. */
  connect(): Duplex
  close(): void
}
