import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The admin listener that the development server passes calls on to; `HUB_ADMIN=http://127.0.0.1:9091 npm run dev` names another. */
const admin = process.env.HUB_ADMIN ?? "http://127.0.0.1:9090";
const proxy = Object.fromEntries(["/api", "/metrics", "/livez", "/readyz", "/accepting"].map((path) => [path, admin]));

/** What the built page may load and where it may send: nothing but its own origin, so that a key that is typed into it goes nowhere else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // Mantine writes its variables and the places of its layers as styles.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** The development server has scripts in the page itself, so the policy is for the built one. */
const policy: Plugin = {
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
  ],
};

export default defineConfig({
  plugins: [react(), policy],
  // Relative, so that it works under whatever path it is served: the hub has it at `/console/`.
  base: "./",
  // React, Mantine and uPlot are most of the script: 190 kB compressed, which an operator loads once.
  // Browsers that have light-dark() in CSS, which is not to be rewritten for older ones.
  build: { target: "es2022", cssTarget: ["chrome123", "firefox120", "safari17.5"], chunkSizeWarningLimit: 640 },
  server: { proxy, fs: { allow: ["../.."] } },
  preview: { proxy },
});
