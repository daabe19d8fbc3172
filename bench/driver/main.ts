// The load driver's process: takes one job after the other over IPC, and tells when its window opens and closes.
import { runLoad } from "./load.ts";
import type { DriverEvent, Job } from "./message.ts";

function tell(event: DriverEvent): void {
  process.send?.(event);
}

async function drive(job: Job): Promise<void> {
  try {
    const tally = await runLoad(job, {
      onOpened: () => tell({ type: "opened" }),
      onClosed: () => tell({ type: "closed" }),
    });
    tell({ type: "tallied", tally });
  } catch (error) {
    tell({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

// Jobs come from the benchmark alone, which built them from the same type.
process.on("message", (job) => void drive(job as Job));
process.on("disconnect", () => process.exit());
