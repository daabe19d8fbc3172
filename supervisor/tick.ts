/* The supervisor's look at its children, several times a second; how late it comes is the supervisor's own stall. */
import type { Clock, Millis } from "../src/platform/clock.ts";
import type { DoorSlot } from "./door-slot.ts";
import type { HostSlot } from "./host-slot.ts";
import type { MemoryKillHistory } from "./memory-kills.ts";
import { judgeTick, tickMs } from "./watchdog.ts";

export interface TickParts {
  readonly clock: Clock;
  readonly memoryKills: Pick<MemoryKillHistory, "tick">;
  readonly members: () => readonly Pick<DoorSlot | HostSlot, "slot">[];
}

export class Tick {
  readonly #parts: TickParts;
  #lastAt: Millis;
  #longestLateMs = 0;

  constructor(parts: TickParts) {
    this.#parts = parts;
    this.#lastAt = parts.clock.now();
  }

  plan(): void {
    this.#parts.clock.after(tickMs, () => {
      this.#look();
      this.plan();
    });
  }

  /** The longest since this was last asked. */
  takeLateMs(): number {
    const longestLateMs = this.#longestLateMs;
    this.#longestLateMs = 0;
    return longestLateMs;
  }

  #look(): void {
    const { clock, memoryKills, members } = this.#parts;
    memoryKills.tick();
    const now = clock.now();
    const tick = judgeTick(this.#lastAt, now);
    this.#longestLateMs = Math.max(this.#longestLateMs, now - this.#lastAt - tickMs);
    this.#lastAt = now;
    for (const { slot } of members()) {
      if (tick.type === "forgive") slot.forgive();
      else slot.watch(now);
    }
  }
}
