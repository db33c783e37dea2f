import type { GroupFailure } from './failure.ts'
import { Latencies, type Measurement } from './latencies.ts'
import type { Message } from './message.ts'
import { Meter, type Rate } from './meter.ts'

/** The way to a consumer. */
export interface Connection {
  /** False while it has not taken what was sent: whatever is sent then would pile up in memory. */
  readonly flows: boolean
  send(message: Message): void
  /** Ends it, for that reason. */
  drop(reason: GroupFailure): void
}

export interface ConsumerOptions {
  /** How many messages it wants open at a time. */
  readonly slots: number
  readonly user: string
  readonly connectionName: string
  readonly connection: Connection
}

export interface ConnectionInfo extends Rate {
  readonly from: string
  readonly user: string
  readonly connectionName: string
  readonly availableSlots: number
  readonly inFlight: number
  readonly measurements: readonly Measurement[]
}

/** Somebody who reads a group. */
export class Consumer {
  readonly slots: number
  readonly connection: Connection
  inFlight = 0
  readonly #user: string
  readonly #connectionName: string
  readonly #meter = new Meter()
  readonly #latencies = new Latencies()

  constructor({ slots, user, connectionName, connection }: ConsumerOptions) {
    this.slots = slots
    this.connection = connection
    this.#user = user
    this.#connectionName = connectionName
  }

  get hasRoom(): boolean {
    return this.inFlight < this.slots && this.connection.flows
  }

  send(message: Message): void {
    this.inFlight++
    this.#meter.count()
    this.connection.send(message)
  }

  /** It no longer has the message; `ms` after it was sent, if it acknowledged it. */
  released(ms: number | undefined): void {
    this.inFlight--
    if (ms !== undefined) this.#latencies.add(ms)
  }

  info(sinceMs: number, withMeasurements: boolean): ConnectionInfo {
    return {
      from: '',
      user: this.#user,
      connectionName: this.#connectionName,
      availableSlots: this.slots - this.inFlight,
      inFlight: this.inFlight,
      ...this.#meter.read(sinceMs),
      measurements: withMeasurements ? this.#latencies.measurements() : [],
    }
  }
}
