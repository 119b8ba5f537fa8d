export { connectKeeper, type KeeperOptions } from "./launch.ts";
