/** Numbers as people read them. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const NOTHING = "–";

/** `1,234`. */
export const count = (value: number | null | undefined) => (value == null ? NOTHING : whole.format(value));

/** `1.23K`; small rates keep a digit behind the point. */
export function amount(value: number | null | undefined): string {
  if (value == null) return NOTHING;
  return value > 0 && value < 10 ? String(Number(value.toFixed(value < 1 ? 2 : 1))) : short.format(value);
}

/** Seconds as `850 µs`, `12.3 ms`, `1.2 s`. */
export function latency(seconds: number | null | undefined): string {
  if (seconds == null) return NOTHING;
  const [value, unit] = seconds < 0.001 ? [seconds * 1e6, "µs"] : seconds < 1 ? [seconds * 1e3, "ms"] : [seconds, "s"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

/** Bytes as `1.2 MiB`. */
export function bytes(value: number | null | undefined): string {
  if (value == null) return NOTHING;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = value < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${Number((value / 1024 ** power).toPrecision(3))} ${units[power]}`;
}

/** Milliseconds as `3 d 4 h`, `5 min`, `12 s`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** A time of day with milliseconds. */
export const moment = (at: number) => clock.format(at);
/** A day and a time. */
export const date = (at: number) => day.format(at);
