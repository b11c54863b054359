/** A person in a small circle. The name stands beside it, so it says nothing by itself. */
import { hue, initials } from "../names.js";

/** The circle; `here` puts a dot on it, for present or not. */
export function Face({ name, size = 36, here }: { name: string; size?: number; here?: boolean | undefined }) {
  return (
    <span className="face" data-hue={hue(name)} style={{ width: size, height: size, fontSize: size * 0.38 }} aria-hidden="true">
      {initials(name)}
      {here !== undefined && <span className="face-dot" data-here={here || undefined} />}
    </span>
  );
}
