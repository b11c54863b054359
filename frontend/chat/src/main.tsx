/** The page's beginning. */
import { MantineProvider } from "@mantine/core";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./ui/App.js";
import "./styles/library.css";
import "./styles/base.css";
import "./styles/door.css";
import "./styles/frame.css";
import "./styles/menu.css";
import "./styles/people.css";
import "./styles/talk.css";
import "./styles/connection.css";
import "./styles/timeline.css";
import "./styles/composer.css";
import "./styles/narrow.css";
import { theme } from "./theme.js";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <App />
    </MantineProvider>
  </StrictMode>,
);
