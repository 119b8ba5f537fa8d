export { CALLS, type CallKind, type CallName } from "./calls.ts";
export { decorate } from "./decorate.ts";
export { type JournalValue } from "./describe.ts";
export * from "./faults.ts";
export * from "./port.ts";
export * from "./signals.ts";
export {
  createJournal,
  enterContext,
  toEntry,
  traceKernel,
  withContext,
  type Journal,
  type JournalEntry,
  type RecordedCall,
  type TraceContext,
  type TraceOptions,
} from "./trace.ts";
