/** Reads Prometheus' text format, as far as the hub writes it: what `/metrics` says, by metric name. */

/** One line of it. */
export interface Sample {
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** All lines, by metric name; a histogram's lines stand under `_bucket`, `_sum` and `_count`. */
export type Figures = ReadonlyMap<string, readonly Sample[]>;

/** Name, labels with their braces, value; a timestamp may follow. */
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", '"': '"', "\\": "\\" };

/** What stands in `text`. Lines that cannot be read are left out: a newer hub may say more than this knows. */
export function parse(text: string): Figures {
  const figures = new Map<string, Sample[]>();
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const [, name, labels, written] = LINE.exec(line) ?? [];
    if (name === undefined || written === undefined) continue;
    const value = number(written);
    if (value === undefined) continue;
    const sample = { labels: read(labels ?? ""), value };
    const known = figures.get(name);
    if (known) known.push(sample);
    else figures.set(name, [sample]);
  }
  return figures;
}

function number(text: string): number | undefined {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

function read(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = "", value = ""] of text.matchAll(LABEL)) {
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped);
  }
  return labels;
}

/** The sum over all labels; `undefined` when the hub has no such metric. */
export function sum(figures: Figures, name: string): number | undefined {
  const samples = figures.get(name);
  return samples?.reduce((total, { value }) => total + value, 0);
}
