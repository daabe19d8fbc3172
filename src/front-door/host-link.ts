/* The connection to one host: what is outstanding there, and what the host last said of its load. */
import { createConnection, type Socket } from "node:net";
import type { Clock } from "../platform/clock.ts";
import { Outbox } from "../platform/outbox.ts";
import { FrameReader } from "../protocol/frame-stream.ts";
import {
  type CancelReason,
  type ChunkFrame,
  type DoneFrame,
  type FailedFrame,
  type HostFrame,
  initialChunkCredit,
  protocolVersion,
  writeCancel,
  writeCredit,
  writeEnd,
  writeHello,
  writeRequest,
} from "../protocol/frames.ts";
import { parseHostFrame } from "../protocol/host-frames.ts";
import { bytesIn } from "../protocol/pieces.ts";
import type { Pressure } from "../protocol/pressure.ts";
import type { EndReason } from "../protocol/sequences.ts";
import { Slots } from "../protocol/slots.ts";
import type { HostView } from "../protocol/views.ts";
import type { ReplicaLoad } from "./admission.ts";
import { byOrder, type Flight, frameOf } from "./flight.ts";
import { noPressure, rowsLeft } from "./link-load.ts";
import type { Seat } from "./seat.ts";
import { Silence } from "./silence.ts";

/** Bodies are only there until the listener returns. */
export interface LinkListener {
  onOpen(link: HostLink): void;
  onChunk(flight: Flight, chunk: ChunkFrame): void;
  onDone(flight: Flight, frame: DoneFrame): void;
  onFailed(flight: Flight, frame: FailedFrame): void;
  /** The host keeps the sequence no longer. */
  onEnded(seat: Seat, reason: EndReason): void;
  /** The connection is gone; what became of the host, the supervisor says. */
  onClosed(link: HostLink): void;
  onViolation(link: HostLink, reason: string): void;
}

/** An answer may be this large; past it the host does not keep the protocol. */
const maxAnswerBytes = 512 * 1024 * 1024;
/** One buffer for all reads, where Node would allocate for each: what a frame holds is copied, or gone, on return. */
const readBytes = 262_144;
/** While a breaker is not closed, one request goes as its probe, and the next only after this long without news. */
const probeEveryMs = 1_000;

export class HostLink {
  readonly hostId: string;
  readonly #clock: Clock;
  readonly #listener: LinkListener;
  readonly #socket: Socket;
  readonly #outbox: Outbox;
  readonly #reader = new FrameReader(maxAnswerBytes);
  readonly #silence = new Silence();
  readonly #flights = new Slots<Flight>();
  /** The sequences that the host keeps for this front door, by key. */
  readonly #seats = new Map<string, Seat>();
  /** Of those the ones that nobody else can have ended. */
  #ownSeats = 0;
  #running: Flight[] = [];
  /** By the number of the flight: chunks that the host may still send. */
  readonly #chunkCredit: number[] = [];
  #outstandingBytes = 0;
  #pressure = noPressure;
  #reportedAt = 0;
  /** Until then no request is sent for the sake of the breaker. */
  #shutUntil = 0;
  #state: "connecting" | "open" | "closed" = "connecting";

  constructor(view: HostView, clock: Clock, listener: LinkListener) {
    this.hostId = view.hostId;
    this.#clock = clock;
    this.#listener = listener;
    this.#socket = createConnection({
      path: view.socketPath,
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBytes),
        callback: (bytes, buffer) =>
          this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, bytes)),
      },
    });
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.on("close", () => this.#close());
    this.#outbox = new Outbox(this.#socket);
    writeHello(this.#outbox.writer, view.hostId);
    this.#outbox.plan();
  }

  get isOpen(): boolean {
    return this.#state === "open" && !this.#pressure.draining;
  }

  /** It is there, though it may be on its way out. */
  get isAlive(): boolean {
    return this.#state === "open";
  }

  lookForSilence(): boolean {
    return this.#silence.look(this.#flights.size > 0, this.#socket.bytesRead);
  }

  get load(): ReplicaLoad {
    const { rowCostMs, batchCostMs, rowsPerRequest, breaker, sequences } = this.#pressure;
    const now = this.#clock.now();
    return {
      outstandingRequests: this.#flights.size,
      outstandingBytes: this.#outstandingBytes,
      reportedRows: rowsLeft(this.#pressure, now - this.#reportedAt),
      rowCostMs,
      batchCostMs,
      rowsPerRequest,
      sequences: Math.max(sequences, this.#ownSeats),
      breaker,
      breakerRetryMs: breaker === "closed" ? 0 : Math.max(0, this.#shutUntil - now),
    };
  }

  send(flight: Flight): void {
    const { call } = flight;
    const id = this.#flights.add(flight);
    flight.link = this;
    flight.linkId = id;
    flight.isRunning = false;
    this.#chunkCredit[id] = call.stream ? initialChunkCredit : 0;
    this.#outstandingBytes += bytesIn(call.body);
    call.trace?.noteSent(this.#clock.now());
    if (this.#pressure.breaker !== "closed") this.#shutUntil = this.#clock.now() + probeEveryMs;
    writeRequest(this.#outbox.writer, frameOf(flight));
    this.#outbox.plan();
    // Nobody else is there to share the write with.
    if (this.#flights.size === 1) this.#outbox.flush();
  }

  /** The host keeps the sequence from now on. */
  seat(seat: Seat): void {
    seat.link?.unseat(seat);
    seat.link = this;
    this.#seats.set(seat.options.key, seat);
    if (!seat.options.isShared) this.#ownSeats += 1;
  }

  unseat(seat: Seat): void {
    seat.link = undefined;
    if (this.#seats.get(seat.options.key) !== seat) return;
    this.#seats.delete(seat.options.key);
    if (!seat.options.isShared) this.#ownSeats -= 1;
  }

  /** The host may forget the sequence. */
  endSequence(seat: Seat): void {
    this.unseat(seat);
    this.forget(seat.options.key);
  }

  /** Whatever the host has under the key. */
  forget(key: string): void {
    const seat = this.#seats.get(key);
    if (seat !== undefined) this.unseat(seat);
    writeEnd(this.#outbox.writer, key);
    this.#outbox.plan();
  }

  cancel(flight: Flight, reason: CancelReason): void {
    writeCancel(this.#outbox.writer, flight.linkId, reason);
    this.#outbox.plan();
  }

  credit(flight: Flight, chunks: number): void {
    this.#chunkCredit[flight.linkId] = this.#creditOf(flight.linkId) + chunks;
    writeCredit(this.#outbox.writer, flight.linkId, chunks);
    this.#outbox.plan();
  }

  /** Takes back the frames of a sequence that the host has not begun, in order. */
  recall(seat: Seat): readonly Flight[] {
    const isOfIt = ({ call, isSettled }: Flight) => !isSettled && call.sequence?.seat === seat;
    return this.#flights
      .replace((flight) => (isOfIt(flight) ? flight.leaveBehind() : undefined))
      .toSorted(byOrder);
  }

  /** Ends the connection and gives back what was outstanding, in order, and the sequences that are gone with it. */
  abandon(): { readonly flights: readonly Flight[]; readonly seats: readonly Seat[] } {
    this.#state = "closed";
    this.#socket.destroy();
    this.#outstandingBytes = 0;
    const flights = this.#flights.drain().toSorted(byOrder);
    const seats = [...this.#seats.values()];
    for (const seat of seats) this.unseat(seat);
    return { flights, seats };
  }

  /** True asks for more. */
  #read(chunk: Buffer): boolean {
    const isSound = this.#reader.push(chunk, (bytes) => {
      const frame = parseHostFrame(bytes);
      return frame !== undefined && this.#hear(frame);
    });
    if (isSound) return true;
    this.#listener.onViolation(this, "it sent a frame that the protocol does not have");
    this.#socket.destroy();
    return false;
  }

  /** False where the host speaks of what it was never asked. */
  #hear(frame: HostFrame): boolean {
    if (this.#state === "connecting") return this.#greet(frame);
    switch (frame.type) {
      case "hello":
        return false;
      case "running":
        return this.#noteRunning(frame.ids);
      case "chunk":
        return this.#takeChunk(frame);
      case "trace":
        return this.#withFlight(frame.id, ({ call: { trace } }) => {
          if (trace !== undefined) trace.host = frame.points;
        });
      case "done":
        this.#notePressure(frame.pressure);
        return this.#settle(frame.id, (flight) => this.#listener.onDone(flight, frame));
      case "failed":
        this.#notePressure(frame.pressure);
        return this.#settle(frame.id, (flight) => this.#listener.onFailed(flight, frame));
      case "pressure":
        this.#notePressure(frame.pressure);
        return true;
      case "ended": {
        const seat = this.#seats.get(frame.key);
        if (seat !== undefined) this.#listener.onEnded(seat, frame.reason);
        return true;
      }
    }
  }

  #greet(frame: HostFrame): boolean {
    if (frame.type !== "hello" || frame.version !== protocolVersion) return false;
    if (frame.hostId !== this.hostId) return false;
    this.#state = "open";
    this.#listener.onOpen(this);
    return true;
  }

  /** What is said to run now stands in place of what was. */
  #noteRunning(ids: readonly number[]): boolean {
    for (const flight of this.#running) flight.isRunning = false;
    this.#running = [];
    return ids.every((id) =>
      this.#withFlight(id, (flight) => {
        flight.isRunning = true;
        this.#running.push(flight);
      }),
    );
  }

  #takeChunk(chunk: ChunkFrame): boolean {
    const credit = this.#creditOf(chunk.id);
    if (credit === 0) return false;
    this.#chunkCredit[chunk.id] = credit - 1;
    return this.#withFlight(chunk.id, (flight) => this.#listener.onChunk(flight, chunk));
  }

  #creditOf(id: number): number {
    return this.#chunkCredit[id] ?? 0;
  }

  #notePressure(pressure: Pressure): void {
    if (pressure.breaker !== this.#pressure.breaker || pressure.breaker === "open") {
      this.#shutUntil = this.#clock.now() + pressure.breakerRetryMs;
    }
    this.#pressure = pressure;
    this.#reportedAt = this.#clock.now();
  }

  #withFlight(id: number, act: (flight: Flight) => void): boolean {
    const flight = this.#flights.get(id);
    if (flight === undefined) return false;
    act(flight);
    return true;
  }

  #settle(id: number, act: (flight: Flight) => void): boolean {
    return this.#withFlight(id, (flight) => {
      this.#flights.remove(id);
      this.#outstandingBytes -= bytesIn(flight.call.body);
      act(flight);
    });
  }

  #close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#listener.onClosed(this);
  }
}
