/* Which host gets the next frame of a sequence. */
import type { HostLink } from "./host-link.ts";
import type { Seat } from "./seat.ts";

export type Seating =
  | { readonly type: "send"; readonly link: HostLink }
  /** No host is there yet, or the first frame waits for one. */
  | { readonly type: "wait" }
  /** Nobody keeps it. */
  | { readonly type: "lost" };

export interface SeatingFacts {
  readonly seat: Seat;
  /** The frame begins the sequence anew. */
  readonly start: boolean;
  /** Hosts that take new work. */
  readonly open: readonly HostLink[];
  /** Hosts that may have the sequence, where nobody here knows which does: they may be on their way out. */
  readonly keepers: readonly HostLink[];
  /** Hosts that were asked for this frame and do not keep the sequence. */
  readonly tried: readonly HostLink[];
}

export function seatFrame({ seat, start, open, keepers, tried }: SeatingFacts): Seating {
  if (seat.isOver) return { type: "lost" };
  if (start)
    return sendTo(seat.options.isShared ? firstWilling(seat, open) : roomiest(open), "wait");
  // A host that is being drained keeps what it has.
  if (seat.link !== undefined) return sendTo(seat.link.isAlive ? seat.link : undefined, "lost");
  if (seat.isBegun) return { type: "wait" };
  // This front door has just begun, and is being connected to hosts that may keep it.
  const isAwaited = open.length === 0 && tried.every((link) => keepers.includes(link));
  return sendTo(
    [...byKey(seat, open), ...keepers].find((link) => !tried.includes(link)),
    isAwaited ? "wait" : "lost",
  );
}

function sendTo(link: HostLink | undefined, otherwise: "wait" | "lost"): Seating {
  return link === undefined ? { type: otherwise } : { type: "send", link };
}

/** The one with the fewest sequences; among equals, with the least to do. */
function roomiest(open: readonly HostLink[]): HostLink | undefined {
  const rank = ({ load }: HostLink) =>
    (load.breakerRetryMs > 0 ? 1e9 : 0) + load.sequences + load.outstandingRequests * 1e-6;
  return open.toSorted((a, b) => rank(a) - rank(b))[0];
}

function firstWilling(seat: Seat, open: readonly HostLink[]): HostLink | undefined {
  const inOrder = byKey(seat, open);
  return inOrder.find(({ load }) => load.breakerRetryMs <= 0) ?? inOrder[0];
}

/**
 * The same order in every front door, so that one finds at the first try what another has begun: by a hash of key and
 * place (rendezvous hashing). A host keeps its place when it is restarted.
 */
function byKey({ options }: Seat, open: readonly HostLink[]): readonly HostLink[] {
  if (open.length < 2) return open;
  const rank = ({ hostId }: HostLink) => hash(`${options.key} ${placeOf(hostId)}`);
  return open.toSorted((a, b) => rank(a) - rank(b));
}

/** A host's id without the number of its incarnation. */
function placeOf(hostId: string): string {
  return hostId.slice(0, hostId.lastIndexOf("."));
}

/** FNV-1a, 32 bits, and MurmurHash3's last step: without it places that differ in one digit get unequal shares. */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x0100_0193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
