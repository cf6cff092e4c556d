export * from "./backoff";
export * from "./events";
export * from "./feed";
export * from "./http";
export * from "./problem";
export * from "./stream";
export type { components, paths } from "./schema";
