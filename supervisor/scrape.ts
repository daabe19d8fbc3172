/* What all processes count, gathered: asked for now and then, and when somebody looks. */
import type { Clock } from "../src/platform/clock.ts";
import { unawaitedReport } from "../src/protocol/control.ts";
import type { MetricSnapshot } from "../src/protocol/views.ts";
import type { DoorSlot } from "./door-slot.ts";
import type { HostSlot } from "./host-slot.ts";
import { MetricsLedger } from "./metrics-ledger.ts";
import { Reports, reportMsFor } from "./reports.ts";
import { ofKnownModels, type SupervisorMetrics } from "./supervisor-metrics.ts";

type Member = DoorSlot | HostSlot;

export interface ScrapeParts {
  readonly clock: Clock;
  readonly own: SupervisorMetrics;
  /** Every process there is. */
  readonly members: () => readonly Member[];
  /** Every model there is: the series of others go. */
  readonly models: () => readonly { readonly name: string }[];
}

export class Scrape {
  readonly #parts: ScrapeParts;
  readonly #ledger = new MetricsLedger();
  readonly #reports: Reports;

  constructor(parts: ScrapeParts) {
    this.#parts = parts;
    this.#reports = new Reports(parts.clock);
  }

  note(member: Member, reportId: number, metrics: readonly MetricSnapshot[]): void {
    this.#ledger.note(member, metrics);
    this.#reports.note(member, reportId);
  }

  retire(member: Member): void {
    this.#ledger.retire(member);
  }

  async merged(): Promise<string> {
    await this.#gather();
    const { own, models } = this.#parts;
    own.forgetGone();
    return this.#ledger.merged(own.registry, ofKnownModels(models()));
  }

  /** Of models that are there. */
  async statistics(): Promise<readonly MetricSnapshot[]> {
    await this.#gather();
    return this.#ledger.statistics(ofKnownModels(this.#parts.models()));
  }

  #gather(): Promise<void> {
    return this.#reports.gather(this.#ready, (member, reportId) => {
      (member as Member).slot.send({ type: "report", reportId });
    });
  }

  /** Asks again and again, so that what a process counted outlives it. One that rests has said all that it has. */
  plan(): void {
    const { clock, members } = this.#parts;
    clock.after(reportMsFor(members().length), () => {
      for (const { slot } of this.#ready) {
        if (!slot.isResting) slot.send({ type: "report", reportId: unawaitedReport });
      }
      this.plan();
    });
  }

  get #ready(): readonly Member[] {
    return this.#parts.members().filter(({ slot }) => slot.phase.name === "ready");
  }
}
