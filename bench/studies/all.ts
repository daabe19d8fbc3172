import type { StudyName } from "../options.ts";
import { studyGrowth } from "./growth.ts";
import { studyMany } from "./many.ts";
import { studyMemory } from "./memory.ts";
import { studyOverload } from "./overload.ts";
import { studyStart } from "./start.ts";
import type { Study } from "./study.ts";

export const studies: Readonly<Record<StudyName, Study>> = {
  overload: studyOverload,
  many: studyMany,
  start: studyStart,
  memory: studyMemory,
  growth: studyGrowth,
};
