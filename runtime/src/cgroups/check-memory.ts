/**
 * Cgroups: are these memory limits possible?
 *
 * Docker counts memory and swap together (`MemorySwap`), so swap alone is the difference, and
 * without a word about swap a container gets as much swap again as memory.
 *
 * Kernel interface: cgroups(7).
 * Specification: Docker Engine API v1.50, "Resources".
 * Invariants: none of its own, see `check.ts`.
 * Left out: KernelMemory, which newer kernels ignore.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import { wholePages } from "./arithmetic.ts";
import { asked, type CgroupLimits, type Check, refuse } from "./limits.ts";

/** Docker's smallest memory limit: below it a container cannot even start. */
const MEMORY_MIN_BYTES = 6 * 1024 * 1024;

/** Checks `Memory` and `MemorySwap`. */
export function checkMemory(check: Check): CgroupLimits {
  const { request, support, warn } = check;
  const memory = asked(request.Memory);
  if (memory !== undefined && memory < MEMORY_MIN_BYTES) {
    refuse("Minimum memory limit allowed is 6MB", "Give at least 6m.");
  }
  const isDropped = warn(
    memory !== undefined && !support.memoryLimit,
    "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
  );
  if (isDropped) return {};
  const memoryAndSwap = checkSwap(check, memory);
  return {
    memoryMaxBytes: memory === undefined ? undefined : wholePages(memory),
    memoryAndSwapMaxBytes: memoryAndSwap === undefined ? undefined : wholePages(memoryAndSwap),
  };
}

/** @returns memory and swap together; `Infinity` for unlimited swap */
function checkSwap(
  { request, support, purpose, warn }: Check,
  memory: number | undefined,
): number | undefined {
  const swap = asked(request.MemorySwap);
  const isDropped = warn(
    memory !== undefined && swap !== -1 && !support.swapLimit,
    "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
  );
  if (isDropped || !support.swapLimit) return undefined;
  if (swap === -1) return Number.POSITIVE_INFINITY;
  if (memory === undefined) return checkSwapAlone(swap, purpose);
  // Docker's default for a new container: as much swap again as there is memory.
  if (swap === undefined) return purpose === "create" ? memory * 2 : undefined;
  if (swap < memory) {
    refuse(
      "Minimum memoryswap limit should be larger than memory limit, see usage",
      "The swap limit counts memory and swap together.",
    );
  }
  return swap;
}

function checkSwapAlone(swap: number | undefined, purpose: Check["purpose"]): number | undefined {
  if (swap === undefined || (purpose === "update" && swap > 0)) return swap;
  return refuse(
    "You should always set the Memory limit when using Memoryswap limit, see usage",
    "Give --memory too.",
  );
}

/** Checks `MemoryReservation`. */
export function checkReservation({ request, support, warn }: Check): CgroupLimits {
  const reservation = asked(request.MemoryReservation);
  const isDropped = warn(
    reservation !== undefined && !support.memoryReservation,
    "Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.",
  );
  if (isDropped || reservation === undefined) return {};
  if (reservation < MEMORY_MIN_BYTES) {
    refuse("Minimum memory reservation allowed is 6MB", "Give at least 6m.");
  }
  if ((asked(request.Memory) ?? reservation) < reservation) {
    refuse(
      "Minimum memory limit can not be less than memory reservation limit, see usage",
      "Raise --memory or lower --memory-reservation.",
    );
  }
  return { memoryReservationBytes: wholePages(reservation) };
}

/** Checks `MemorySwappiness` and `OomKillDisable`. */
export function checkOom(check: Check): CgroupLimits {
  return { memorySwappiness: checkSwappiness(check), oomKillDisabled: checkOomKill(check) };
}

function checkSwappiness({ request, support, warn }: Check): number | undefined {
  const swappiness = request.MemorySwappiness ?? -1;
  if (swappiness === -1) return undefined;
  const isDropped = warn(
    !support.memorySwappiness,
    "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
  );
  if (isDropped) return undefined;
  if (swappiness >= 0 && swappiness <= 100) return swappiness;
  return refuse(
    `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`,
    "Give a number from 0 to 100.",
  );
}

function checkOomKill({ request, support, warn }: Check): true | undefined {
  if (request.OomKillDisable !== true) return undefined;
  const isDropped = warn(
    !support.oomKillDisable,
    "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
  );
  if (isDropped) return undefined;
  warn(
    asked(request.Memory) === undefined,
    "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
  );
  return true;
}
