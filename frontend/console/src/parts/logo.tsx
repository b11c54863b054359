/** The mark: one hub, its connections. */
export function Logo({ size }: { size: number }) {
  return <img src="./favicon.svg" width={size} height={size} alt="" />;
}
