export { installUserland, USERLAND } from "./install.ts";
