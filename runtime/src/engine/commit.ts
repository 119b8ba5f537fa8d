/**
 * Commit: a container's changes become an image.
 *
 * What the container wrote lies in its upper directory; packed as a layer on top of its image it is
 * a new image. The container stands still meanwhile, so the layer is of one moment.
 *
 * Kernel interface: cgroups(7), the freezer; overlayfs.
 * Specification: Docker Engine API v1.50, ImageCommit.
 * Invariants:
 *   commit-is-the-tree   a container of the committed image begins with the tree that the first one
 *       had
 * Left out: volumes are no part of it, as with Docker.
 * Docs: docs/concepts/archive.md
 *
 * @module
 */

import type { ContainerConfig } from "../container/index.ts";
import {
  addImageOnto,
  applyChange,
  familiarForm,
  findImage,
  parseReference,
  withDefaultTag,
} from "../images/index.ts";
import type { Image, ImageConfig, ImageRunConfig } from "../images/index.ts";
import { packTree, writableLayerIn } from "../layers/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { CommitContainer } from "./engine.ts";
import { rfc3339 } from "./durations.ts";
import { tellImage } from "./image-changes.ts";
import { pauseContainer, unpauseContainer } from "./pause.ts";

/** Makes an image. @throws RuntimeError request-invalid, reference-invalid, layer-invalid */
export async function commitContainer(
  engine: EngineContext,
  container: Container,
  request: CommitContainer,
): Promise<{ readonly id: string }> {
  const reference = request.reference === "" ? null : parseReference(request.reference);
  const config = request.changes.reduce(applyChange, runConfigOf(container, request.config));
  const parent = findImage(engine.images, container.definition.imageId);
  const isPaused = request.pause && container.history.state.status === "running";
  if (isPaused) await pauseContainer(engine, container);
  try {
    const layer = packTree(engine.kernel, writableLayerIn(container.files.directory).upper);
    const describe = (diffIds: ImageConfig["rootfs"]["diff_ids"]) =>
      describeImage(engine, parent, { container, request, config, diffIds });
    const id = addImageOnto(engine.images, parent, { layer, describe, reference });
    const imageRef = reference === null ? "" : familiarForm(withDefaultTag(reference));
    if (imageRef !== "") tellImage(engine, "tag", findImage(engine.images, id), imageRef);
    const attributes = { comment: request.comment, imageID: id, imageRef };
    engine.events.tellContainer(container.definition, "commit", attributes);
    return { id };
  } finally {
    if (isPaused) await unpauseContainer(engine, container);
  }
}

interface Description {
  readonly container: Container;
  readonly request: CommitContainer;
  readonly config: ImageRunConfig;
  readonly diffIds: ImageConfig["rootfs"]["diff_ids"];
}

/** The parent's layers begin the list: `addImageOnto` gives the digests of all of them. */
function describeImage(
  engine: EngineContext,
  parent: Image,
  { container, request, config, diffIds }: Description,
): ImageConfig {
  const created = rfc3339(engine.kernel.nowMs());
  const { Entrypoint, Cmd } = container.definition.config;
  const { comment, author } = request;
  return {
    ...parent.config,
    created,
    ...(author === "" ? {} : { author }),
    config,
    rootfs: { type: "layers", diff_ids: [...parent.config.rootfs.diff_ids, ...diffIds.slice(-1)] },
    history: [
      ...parent.config.history,
      {
        created,
        created_by: [...(Entrypoint ?? []), ...(Cmd ?? [])].join(" "),
        ...(comment === "" ? {} : { comment }),
        ...(author === "" ? {} : { author }),
      },
    ],
  };
}

/** What the container runs with, where the client sends nothing else. */
function runConfigOf(
  { definition }: Container,
  given: Partial<ContainerConfig> | null,
): ImageRunConfig {
  const { config } = definition;
  const asked = Object.fromEntries(
    Object.entries(given ?? {}).filter(([, value]) => !isEmpty(value)),
  );
  const { User, Env, Cmd, Entrypoint, WorkingDir, Labels, ExposedPorts, Volumes, StopSignal } = {
    ...config,
    ...asked,
  };
  const Healthcheck = given?.Healthcheck ?? config.Healthcheck;
  return {
    ...(User === "" ? {} : { User }),
    Env,
    ...(Cmd === null ? {} : { Cmd }),
    ...(Entrypoint === null ? {} : { Entrypoint }),
    ...(WorkingDir === "" ? {} : { WorkingDir }),
    Labels,
    ExposedPorts,
    Volumes,
    ...(StopSignal === "" ? {} : { StopSignal }),
    ...(Healthcheck ? { Healthcheck: withoutZeros(Healthcheck) } : {}),
  };
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === "" || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** Zero is "not said". */
function withoutZeros(check: NonNullable<ImageRunConfig["Healthcheck"]>): typeof check {
  return Object.fromEntries(Object.entries(check).filter(([, value]) => value !== 0));
}
