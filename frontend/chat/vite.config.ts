import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The hub that the development and preview servers pass `/ws` on to; `HUB=http://127.0.0.1:8081 npm run dev` names another. */
const hub = process.env.HUB ?? "http://127.0.0.1:8080";
const proxy = { "/ws": { target: hub, ws: true, changeOrigin: false } };

export default defineConfig({
  plugins: [react()],
  // Relative, so that it works under whatever path it is served.
  base: "./",
  build: { target: "es2022", chunkSizeWarningLimit: 600 },
  server: { proxy },
  preview: { proxy },
});
