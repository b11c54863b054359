/** The mark: a hub and those who talk through it. */
export function Logo({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" className="logo">
      <rect width="32" height="32" rx="9" fill="#4f46e5" />
      <path d="M16 16 8.5 9.5M16 16l7.5-6.5M16 16v8.5" stroke="#fff" strokeWidth="2.2" strokeLinecap="round" />
      <g fill="#fff">
        <circle cx="16" cy="16" r="4.2" />
        <circle cx="8.5" cy="9.5" r="2.6" />
        <circle cx="23.5" cy="9.5" r="2.6" />
        <circle cx="16" cy="24.5" r="2.6" />
      </g>
    </svg>
  );
}
