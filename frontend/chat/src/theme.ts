/** The look that the component library gets; everything else stands in styles. */
import { createTheme, type MantineColorsTuple } from "@mantine/core";

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

/** The library's dark greys, with the blue of the rest in them. */
const dark: MantineColorsTuple = [
  "#e9ebf5",
  "#c3c8da",
  "#9ba2bb",
  "#7c849e",
  "#454c62",
  "#343a4d",
  "#222738",
  "#1a1e2b",
  "#141722",
  "#0d0f17",
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
  headings: { fontWeight: "650" },
});
