/* The connections to all hosts. Which of them serve a version, its view says; the others of it are on their way out. */
import type { Clock } from "../platform/clock.ts";
import type { HostView } from "../protocol/views.ts";
import { HostLink, type LinkListener } from "./host-link.ts";

/** A connection that is gone without news of its host is reported after this long. */
const silenceMs = 1_000;

type VersionListener = Omit<LinkListener, "onClosed">;

export class Links {
  readonly #clock: Clock;
  readonly #links = new Map<string, HostLink>();
  /** Every host that a version has had and that is not known to be gone, by its id. */
  readonly #versions = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Connects to those that are new. */
  update(version: string, hosts: readonly HostView[], listener: VersionListener): void {
    for (const host of hosts) {
      if (!this.#links.has(host.hostId)) this.#connect(version, host, listener);
    }
  }

  #connect(version: string, host: HostView, listener: VersionListener): void {
    this.#versions.set(host.hostId, version);
    const onClosed = (link: HostLink) => this.#report(link, listener);
    this.#links.set(host.hostId, new HostLink(host, this.#clock, { ...listener, onClosed }));
  }

  /** It is the caller's to abandon. */
  take(hostId: string): HostLink | undefined {
    const link = this.#links.get(hostId);
    this.#links.delete(hostId);
    this.#versions.delete(hostId);
    return link;
  }

  /** The hosts that have just fallen silent while they owe answers. */
  lookForSilence(): string[] {
    return [...this.#links.values()]
      .filter((link) => link.lookForSilence())
      .map(({ hostId }) => hostId);
  }

  /** Those that take new work. */
  openOf(hosts: readonly HostView[]): HostLink[] {
    const open: HostLink[] = [];
    for (const { hostId } of hosts) {
      const link = this.#links.get(hostId);
      if (link?.isOpen) open.push(link);
    }
    return open;
  }

  /** Those of a version that are there, some of them on their way out. */
  aliveOf(version: string): HostLink[] {
    return [...this.#links.values()].filter(
      (link) => link.isAlive && this.#versions.get(link.hostId) === version,
    );
  }

  /** Usually the supervisor tells of the host's end in the same breath. */
  #report(link: HostLink, { onViolation }: VersionListener): void {
    this.#clock.after(silenceMs, () => {
      if (this.#links.get(link.hostId) !== link) return;
      onViolation(link, "its connection ended while it lives");
    });
  }
}
