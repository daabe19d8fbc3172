/** What runs one at a time, in order of arrival: the frames of one sequence. The queue's, but for whoever makes it. */
export class Lane<Work> {
  /** Those behind the one that is queued or running. */
  readonly waiting: Work[] = [];
  bytes = 0;
  /** One of it is queued or running. */
  isTaken = false;
}
