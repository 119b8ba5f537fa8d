/**
 * The same cases in every run: what passed once does not fail by chance in somebody's change. Other
 * cases come with another seed, DRYDOCK_SEED=N, or with a new one each time, DRYDOCK_SEED=random.
 */
import { fc } from "@fast-check/vitest";

const told = process.env["DRYDOCK_SEED"] ?? "20261122";

if (told !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(told) });
