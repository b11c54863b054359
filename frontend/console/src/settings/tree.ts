/** The settings in force, one by one, with what config/settings.schema.json says of each. Pure. */
import { parse, stringify } from "yaml";

/** The part of a JSON schema that is read here. */
export interface Schema {
  type?: string | readonly string[];
  description?: string;
  default?: unknown;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  enum?: readonly unknown[];
  properties?: Readonly<Record<string, Schema>>;
}

/** One setting. */
export interface Setting {
  /** Its name, as in `limits.cluster.accept_rate`. */
  path: string;
  /** What counts now, as YAML has it. */
  value: unknown;
  /** What counts where nothing is said. */
  initial: unknown;
  /** Whether those differ. */
  isChanged: boolean;
  /** What it does, without the sentence about its default. */
  text: string;
  schema: Schema;
}

/** Every setting in `yaml`, in its order. Lists and whatever the schema does not know are one setting each. */
export function settings(yaml: string, schema: Schema): Setting[] {
  const found: Setting[] = [];
  walk(parse(yaml), schema, [], found);
  return found;
}

function walk(value: unknown, schema: Schema, path: string[], found: Setting[]) {
  if (isMapping(value) && schema.properties) {
    for (const [name, inner] of Object.entries(value)) walk(inner, schema.properties[name] ?? {}, [...path, name], found);
    return;
  }
  const text = (schema.description ?? "").replace(/\s*Default `[^`]*`\.\s*$/, "").replace(/\s+/g, " ");
  const isChanged = "default" in schema && !same(value, schema.default);
  found.push({ path: path.join("."), value, initial: schema.default, isChanged, text, schema });
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A value as one line. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (value === "") return "empty";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What was written for a setting, as its value; a text says why it cannot be that. The hub has the last word. */
export function read(text: string, { schema }: Setting): { value: number | string } | { complaint: string } {
  const written = text.trim();
  if (schema.type === "integer") {
    const value = Number(written);
    if (!/^\d+$/.test(written) || !Number.isSafeInteger(value)) return { complaint: "a whole number" };
    if (value < (schema.minimum ?? 0)) return { complaint: `at least ${schema.minimum}` };
    if (schema.maximum !== undefined && value > schema.maximum) return { complaint: `at most ${schema.maximum}` };
    return { value };
  }
  if (schema.pattern && !new RegExp(schema.pattern).test(written)) {
    const examples: Record<string, string> = { "byte-size": "512B, 64KiB or 1MiB", duration: "500ms, 30s, 5m or 1h" };
    return { complaint: `written as ${examples[schema.format ?? ""] ?? schema.pattern}` };
  }
  return { value: written };
}

/** Edits, by path. */
export type Edits = ReadonlyMap<string, number | string>;

/** The edited settings alone as YAML: what belongs into the settings file, or into `spec.config` of the `GoHub`. */
export function fragment(edits: Edits): string {
  const tree = {};
  for (const [path, value] of edits) put(tree, path.split("."), value);
  return stringify(tree);
}

/**
 * The settings in force with these edits, for the hub to judge, and the settings that could not be kept: the hub shows no secret, and refuses `***` for one,
 * so each is another text of sufficient length here.
 */
export function whole(yaml: string, edits: Edits): { yaml: string; veiled: string[] } {
  const veiled: string[] = [];
  const tree = veil(parse(yaml), [], veiled);
  for (const [path, value] of edits) put(tree as object, path.split("."), value);
  return { yaml: stringify(tree), veiled };
}

function veil(value: unknown, path: string[], veiled: string[]): unknown {
  if (typeof value === "string" && value.includes("***")) {
    veiled.push(path.join("."));
    return value.replace("***", `not-the-secret-which-the-hub-does-not-show-${veiled.length}`);
  }
  // The path of what stands in a list is that of the list: so does the hub name it.
  if (Array.isArray(value)) return value.map((inner) => veil(inner, path, veiled));
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, veil(inner, [...path, name], veiled)]));
}

function put(tree: object, [name = "", ...rest]: string[], value: unknown) {
  const inner = tree as Record<string, unknown>;
  if (rest.length === 0) {
    inner[name] = value;
    return;
  }
  if (!isMapping(inner[name])) inner[name] = {};
  put(inner[name] as object, rest, value);
}
