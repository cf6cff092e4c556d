import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const old = Number(process.versions.node.split(".")[0]) < 22; // has WebSocket, but not unless it is asked

// `npm run dev` serves the sources and passes everything else on to a server that `make run` has started.
const server = process.env.SESSIOND_SERVER ?? "http://127.0.0.1:8080";
const passed = Object.fromEntries(
  ["/api", "/ws", "/openapi.json", "/asyncapi.json", "/docs", "/livez", "/readyz", "/metrics"].map((path) => [
    path,
    { target: server, ws: true, changeOrigin: true },
  ]),
);

export default defineConfig({
  base: "./",
  plugins: [svelte()],
  build: {
    outDir: "../gateway/console",
    emptyOutDir: true,
    assetsDir: "console/assets",
    cssCodeSplit: false, // a few KiB; a lazy chunk whose styles fail to load couldn't be asked for again
    assetsInlineLimit: 0, // a data: URL would need a policy that allows it
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: passed },
  test: { include: ["{src,client}/**/*.test.ts"], testTimeout: 20_000, execArgv: old ? ["--experimental-websocket"] : [] },
});
