/**
 * Takes the next request that is due at `now` and answers with its intended send time, or with undefined where none is
 * due (yet, or any more). Times are milliseconds of one monotonic clock.
 */
export type TakeDue = (now: number) => number | undefined;

export function closedSchedule(endsAt: number): TakeDue {
  return (now) => (now < endsAt ? now : undefined);
}

/** Evenly spaced. What a slow server keeps from being sent stays due, and keeps its intended time. */
export function openSchedule(beginsAt: number, endsAt: number, perSecond: number): TakeDue {
  let taken = 0;
  return (now) => {
    const intendedAt = beginsAt + (taken * 1000) / perSecond;
    if (intendedAt > now || intendedAt >= endsAt) return undefined;
    taken += 1;
    return intendedAt;
  };
}
