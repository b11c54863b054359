/** Puts the console on the page. */
import "uplot/dist/uPlot.min.css";
import "./mantine.css";
import "./app.css";
import { MantineProvider } from "@mantine/core";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { startReading } from "./live";
import { theme, variables } from "./theme";

startReading();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" cssVariablesResolver={variables}>
        <App />
      </MantineProvider>
    </StrictMode>,
  );
}
