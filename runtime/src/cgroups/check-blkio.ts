/**
 * Cgroups: are these block I/O limits possible?
 *
 * A weight divides a disk between those who want it; few disk schedulers know it, so on many
 * machines the file is missing and Docker drops the weight with a warning. A throttle is a hard
 * limit on one device and always works.
 *
 * Kernel interface: cgroups(7).
 * Specification: Docker Engine API v1.50, "Resources".
 * Invariants: none of its own, see `check.ts`.
 * Left out: IOMaximumBandwidth and IOMaximumIOps, which are for Windows.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import type { BlkioThrottle, CgroupLimits, Check } from "./limits.ts";
import { asked, refuse } from "./limits.ts";

/** Checks everything whose name begins with `Blkio`. */
export function checkBlkio(check: Check): CgroupLimits {
  return {
    blkioWeight: checkWeight(check),
    blkioWeightDevices: checkWeightDevices(check),
    blkioThrottles: checkThrottles(check),
  };
}

function checkWeight({ request, support, warn }: Check): number | undefined {
  const weight = asked(request.BlkioWeight);
  if (weight === undefined) return undefined;
  const isDropped = warn(
    !support.blkioWeight,
    "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.",
  );
  refuseWeight(weight);
  return isDropped ? undefined : weight;
}

function refuseWeight(weight: number): void {
  if (weight >= 10 && weight <= 1000) return;
  refuse("Range of blkio weight is from 10 to 1000", "Give 10 to 1000, or 0 for the default.");
}

function checkWeightDevices({ request, support, warn }: Check): CgroupLimits["blkioWeightDevices"] {
  const devices = request.BlkioWeightDevice ?? [];
  if (devices.length === 0) return undefined;
  const isDropped = warn(
    !support.blkioWeightDevice,
    "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.",
  );
  for (const { Weight } of devices) refuseWeight(Weight);
  if (isDropped) return undefined;
  return devices.map(({ Path, Weight }) => ({ hostPath: Path, weight: Weight }));
}

const THROTTLES = [
  ["BlkioDeviceReadBps", "read_bps", "BPS Block I/O read limit", "Block I/O BPS read limit"],
  ["BlkioDeviceWriteBps", "write_bps", "BPS Block I/O write limit", "Block I/O BPS write limit"],
  ["BlkioDeviceReadIOps", "read_iops", "IOPS Block read limit", "Block I/O IOPS read limit"],
  ["BlkioDeviceWriteIOps", "write_iops", "IOPS Block write limit", "Block I/O IOPS write limit"],
] as const;

function checkThrottles({ request, support, warn }: Check): CgroupLimits["blkioThrottles"] {
  const throttles = THROTTLES.flatMap(
    ([field, kind, missing, dropped]): readonly BlkioThrottle[] => {
      const wanted = request[field] ?? [];
      const isDropped = warn(
        wanted.length > 0 && !support.blkioThrottle,
        `Your kernel does not support ${missing} or the cgroup is not mounted. ${dropped} discarded.`,
      );
      return isDropped
        ? []
        : wanted.map(({ Path, Rate }) => ({ kind, hostPath: Path, rate: Rate }));
    },
  );
  return throttles.length === 0 ? undefined : throttles;
}
