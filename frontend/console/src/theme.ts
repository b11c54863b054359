/** The look that the component library gets, that of the chat; everything else stands in app.css. */
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const iris: MantineColorsTuple = [
  "#eef0ff",
  "#dfe2ff",
  "#c3c7fe",
  "#a4a8fb",
  "#8583f5",
  "#6660ee",
  "#4f46e5",
  "#4338ca",
  "#372fa6",
  "#2c2783",
];

/** The dark scheme's grounds and inks, from the lightest. */
const dark: MantineColorsTuple = [
  "#d5d8e6",
  "#b6bac9",
  "#9ca1b5",
  "#70758c",
  "#40455c",
  "#2c3042",
  "#1d2030",
  "#181a27",
  "#12141d",
  "#0d0f16",
];

/** The theme. */
export const theme = createTheme({
  colors: { iris, dark },
  primaryColor: "iris",
  primaryShade: 6,
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily: 'Inter, "Segoe UI", system-ui, -apple-system, Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: "650" },
});

/** White is to be read on it. */
const RED = { "--mantine-color-red-filled": "#c92a2a", "--mantine-color-red-filled-hover": "#a61e1e" };

/** Text is to be read by everybody: more than 4.5 to 1 on its ground, whatever its colour. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...RED,
    "--mantine-color-dimmed": "#495057",
    "--mantine-color-placeholder": "#6b7280",
    "--mantine-color-blue-light-color": "#0b4a8f",
    "--mantine-color-gray-light-color": "#343a40",
    "--mantine-color-gray-outline": "#495057",
    "--mantine-color-green-light-color": "#14532d",
    "--mantine-color-orange-light-color": "#7c2d12",
    "--mantine-color-red-light-color": "#8a1c1c",
    "--mantine-color-yellow-light-color": "#5c3d00",
  },
  dark: {
    ...RED,
    "--mantine-color-anchor": "#a4a8fb",
    "--mantine-color-dimmed": "#b6bac9",
    "--mantine-color-gray-outline": "#b6bac9",
    "--mantine-color-placeholder": "#9ca1b5",
  },
});
