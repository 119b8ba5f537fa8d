export { concatBytes } from "./bytes.ts";
export { CALLS, type CallKind, type CallName } from "./calls.ts";
export { decorate } from "./decorate.ts";
export { type JournalValue } from "./describe.ts";
export * from "./faults.ts";
export { bytesOfName, nameOf } from "./file-names.ts";
export { ifThere } from "./if-there.ts";
export * from "./port.ts";
export * from "./signals.ts";
export {
  createJournal,
  toEntry,
  toOutline,
  type Journal,
  type JournalEntry,
  type RecordedCall,
  type TraceContext,
} from "./recorded-call.ts";
export { enterContext, traceKernel, withContext, type TraceOptions } from "./trace.ts";
export { within } from "./within.ts";
