export { createApi, type Api } from "./api.ts";
export { type ApiOptions } from "./context.ts";
export { messageOf } from "./failure.ts";
export { type Line, type Platform } from "./platform.ts";
export { serverHeaders } from "./routes/system.ts";
export { API_VERSION, MIN_API_VERSION } from "./versions.ts";
