/**
 * Of a mutant one wants to know whether it is noticed, and not the smallest program that notices
 * it: shrinking is left out.
 */
import { fc } from "@fast-check/vitest";

fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
