/** Quantiles of a histogram between two readings of it. */
import type { Figures } from "./exposition";

/** Upper bound of a bucket, and how many were not above it. */
type Bucket = readonly [bound: number, count: number];

function buckets(figures: Figures, name: string): Bucket[] {
  const byBound = new Map<number, number>();
  for (const { labels, value } of figures.get(`${name}_bucket`) ?? []) {
    const bound = labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le);
    byBound.set(bound, (byBound.get(bound) ?? 0) + value);
  }
  return [...byBound].sort(([a], [b]) => a - b);
}

/**
 * The `q`-quantile of what was observed after `before` and up to `now`, in the histogram's unit; `null` when nothing was. Inside a bucket what it holds is
 * taken as evenly spread, as Prometheus does; of what lies beyond the last bound only that bound is known.
 */
export function quantile(q: number, before: Figures | undefined, now: Figures, name: string): number | null {
  const old = new Map(before ? buckets(before, name) : []);
  const fresh = buckets(now, name).map(([bound, count]): Bucket => [bound, count - (old.get(bound) ?? 0)]);
  // A count that went back is another process: what it counted is all new.
  const counted = fresh.some(([, count]) => count < 0) ? buckets(now, name) : fresh;
  const total = counted.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  const wanted = q * total;
  let [below, seen] = [0, 0];
  for (const [bound, count] of counted) {
    if (count >= wanted) {
      if (bound === Number.POSITIVE_INFINITY) return below;
      return count === seen ? bound : below + ((bound - below) * (wanted - seen)) / (count - seen);
    }
    [below, seen] = [bound, count];
  }
  return below;
}
